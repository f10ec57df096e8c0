"""What a run has learnt about storage locations and need not ask again. Lives as long as the run."""

import asyncio

from storage_core.errors import Forbidden, NotFound
from storage_core.model.copies import EtagMeaning
from storage_core.model.destinations import LocationFacts
from storage_core.model.engines import ObjectPlace
from storage_core.model.ids import EntityId, PrincipalId, StorageLocationId
from storage_core.plan.object_keys import object_place
from storage_core.ports.catalog import Catalog


class EtagMeanings:
    """Whether the ETags of a storage location are MD5s, as far as this migration has seen (docs/proof.md)."""

    def __init__(self, known: dict[StorageLocationId, EtagMeaning] | None = None) -> None:
        self._known = dict(known or {})

    def meaning(self, location_id: StorageLocationId) -> EtagMeaning:
        """What is known; UNKNOWN when nothing is."""
        return self._known.get(location_id, EtagMeaning.UNKNOWN)

    def learn(self, location_id: StorageLocationId, meaning: EtagMeaning) -> None:
        """Keep what one reread showed."""
        self._known[location_id] = meaning


class ViewAtHand:
    """The file view through which files are read at present, if any.

    Attributes:
        usable: its id, until something is wrong with it.
        trouble: what is wrong with it.
        spares_listings: whether large containers are counted, since a view is going to tell what is in them.
    """

    def __init__(self) -> None:
        self.spares_listings = False
        self.usable: EntityId | None = None
        self.trouble: str | None = None

    def begin(self, view_id: EntityId | None) -> None:
        """Read through this view from now on."""
        self.usable, self.trouble = view_id, None

    def give_up(self, trouble: str) -> bool:
        """Read through it no longer; whether it was in use until now."""
        was_usable, self.usable = self.usable is not None, None
        self.trouble = self.trouble or trouble
        return was_usable

    def end(self) -> None:
        """Read through no view."""
        self.usable = self.trouble = None


class KnownDestination:
    """Where copies go and whose migration it is, as preflight found it; engines ask when they make one."""

    def __init__(self) -> None:
        self._facts: LocationFacts | None = None
        self._user_id: PrincipalId | None = None

    def learn(self, facts: LocationFacts, user_id: PrincipalId) -> None:
        """Keep what preflight found."""
        self._facts, self._user_id = facts, user_id

    def facts(self) -> LocationFacts:
        """The location itself.

        Raises:
            RuntimeError: nobody has looked. A bug, never bad input.
        """
        if self._facts is None:
            raise RuntimeError("the destination is not known")
        return self._facts

    def place(self, migration_id: str) -> ObjectPlace:
        """Where an engine with keys of its own puts objects.

        Raises:
            RuntimeError: nobody has looked, or the destination has no bucket of its own. A bug, never bad input.
        """
        if self._facts is None or self._user_id is None or self._facts.bucket is None:
            raise RuntimeError("the destination is not known, or has no bucket")
        return object_place(
            bucket=self._facts.bucket,
            base_key=self._facts.base_key,
            user_id=self._user_id,
            migration_id=migration_id,
        )


class KnownLocations:
    """Facts of source locations, asked for once each: one call per location, not per file."""

    def __init__(self) -> None:
        self._asked: dict[StorageLocationId, asyncio.Task[LocationFacts | None]] = {}

    async def facts(
        self, catalog: Catalog, entity_id: EntityId, location_id: StorageLocationId
    ) -> LocationFacts | None:
        """The location as an uploader to *entity_id* sees it; None when Synapse does not show it.

        Many waiters share one call. A call that failed is asked again by the next waiter.
        """
        task = self._asked.get(location_id)
        if task is None:
            task = asyncio.ensure_future(_look(catalog, entity_id, location_id))
            self._asked[location_id] = task
        try:
            return await asyncio.shield(task)
        except BaseException:  # nothing is swallowed: it is cleaned up and raised again
            if task.done():
                self._asked.pop(location_id, None)
            raise


async def _look(catalog: Catalog, entity_id: EntityId, location_id: StorageLocationId) -> LocationFacts | None:
    try:
        return await catalog.location_seen_from(entity_id, location_id)
    except (Forbidden, NotFound):
        # A location that is gone or hidden says nothing against copying from it; the copy itself will tell.
        return None
