"""The temporary file view of an index: made when asked for, and deleted in every case.

That it will be made is in the index before the service is asked to make it, and its name is this migration's own. So
whatever happens in between, the next command on the index finds the view and deletes it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from storage_core.errors import AnswerLost, Conflict, NotFound, RestError, SynapseStorageError, UsageError
from storage_core.model.entities import RootSnapshot
from storage_core.model.ids import EntityId
from storage_core.model.settings import IndexVia
from storage_core.plan.estimating import Speeds
from storage_core.plan.viewing import (
    check_view,
    columns_needed,
    is_worth_a_view,
    needs_bodies,
    saving_of,
    scope_of,
    view_name,
)
from storage_core.ports.ledger import Ledger
from storage_core.steps.services import Network, Services

_FACT = "temporary_view"
"""Container and, once it is known, id of the view that was, or was about to be, made; empty when there is none."""


class FileViews:
    """Views for one run. Lives on the index thread; *tell* says something to people."""

    def __init__(self, ledger: Ledger, services: Services, network: Network, tell: Callable[[str], None]) -> None:
        self._ledger = ledger
        self._services = services
        self._catalog = services.catalog
        self._options = services.indexing
        self._network = network
        self._tell = tell
        self._may_come_late = False
        """Whether this run gave up waiting for a view that Synapse may still make."""

    def check(self, roots: Sequence[RootSnapshot]) -> None:
        """Look at the view that the user names, if one is named. One call.

        Raises:
            UsageError: it is none, or would not show what has to be read.
        """
        if self._options.view is None:
            return
        try:
            found = self._network.run(self._catalog.file_view(self._options.view))
        except NotFound as error:
            raise UsageError(
                f"The view {self._options.view} was not found: {error.reason}.", fix="Check the id given as --view."
            ) from error
        check_view(found, roots, columns_needed(self._services.settings, self._options))

    @contextmanager
    def sparing_listings(self) -> Iterator[None]:
        """Have large containers counted instead of listed, when files are going to be read through a view."""
        at_hand = self._services.view
        at_hand.spares_listings = self._options.via is IndexVia.VIEW or self._options.view is not None
        try:
            yield
        finally:
            at_hand.spares_listings = False

    @contextmanager
    def at_hand(self, roots: Sequence[RootSnapshot], files: int, speeds: Speeds) -> Iterator[bool]:
        """Have a view usable, where one was asked for and can be had; whether there is one. Afterwards there is none.

        Args:
            files: how many wait to be read.
        """
        at_hand = self._services.view
        at_hand.begin(self._options.view or self._made(roots, files, speeds))
        try:
            yield at_hand.usable is not None
            if at_hand.trouble is not None:
                self._tell(f"The file view could not be read ({at_hand.trouble}); the rest is read file by file.")
        finally:
            at_hand.end()
            self.delete_left_over()

    def delete_left_over(self) -> None:
        """Delete the temporary view that this run, or an earlier one that was broken off, has made. At most 3 calls.

        When that fails it is said, and the next command on this index tries again. So it does when none is found and
        one may still come.
        """
        told = self._ledger.recall(_FACT)
        if not told:
            return
        parent, _, known = told.partition(" ")
        try:
            was_there = self._network.run(
                self._delete(self._name(), EntityId(parent), EntityId(known) if known else None)
            )
        except SynapseStorageError as error:
            self._ledger.note("temporary view not deleted", f"{known or self._name()} in {parent}: {error.what}")
            self._tell(
                f"The temporary file view {known or self._name()!r} in {parent} could not be deleted: {error.what}."
                " The next command on this index tries again; it may also be deleted by hand."
            )
        else:
            if was_there or not self._may_come_late:
                self._ledger.remember(_FACT, "")

    def _made(self, roots: Sequence[RootSnapshot], files: int, speeds: Speeds) -> EntityId | None:
        """A temporary view, or None and the reason told."""
        if self._options.via is not IndexVia.VIEW:
            self._tell_of_saving(files, speeds)
            return None
        scope = scope_of(roots)
        if not scope or not is_worth_a_view(files):
            if files:
                self._tell(f"No file view is made for {files} files; reading them one by one is quicker.")
            return None
        try:
            return self._make(scope)
        except RestError as error:
            self._tell(f"No file view could be made ({error.what}); files are read one by one.")
            return None

    def _make(self, scope: Sequence[EntityId]) -> EntityId:
        name, parent = self._name(), scope[0]
        self._ledger.remember(_FACT, parent)
        try:
            view_id = self._network.run(self._create(name, parent, scope))
        except Conflict:
            # Left by a run that was killed between asking for it and learning its id, or a lost answer of just now.
            self._network.run(self._delete(name, parent, None))
            view_id = self._network.run(self._create(name, parent, scope))
        self._ledger.remember(_FACT, f"{parent} {view_id}")
        self._ledger.note("temporary view made", f"{view_id} in {parent}, over {', '.join(scope)}")
        return view_id

    async def _create(self, name: str, parent: EntityId, scope: Sequence[EntityId]) -> EntityId:
        try:
            return await self._catalog.make_file_view(name=name, parent_id=parent, scope=scope)
        except AnswerLost:
            found = await self._catalog.file_view_named(name, parent)
            if found is None:
                self._may_come_late = True
                raise
            return found

    async def _delete(self, name: str, parent: EntityId, known: EntityId | None) -> bool:
        """Whether there was one."""
        try:
            found = known or await self._catalog.file_view_named(name, parent)
        except NotFound:
            return True  # the container is gone, and everything in it
        if found is not None:
            await self._catalog.delete_file_view(found)
        return found is not None

    def _name(self) -> str:
        return view_name(self._ledger.recall("migration_id") or "")

    def _tell_of_saving(self, files: int, speeds: Speeds) -> None:
        """Under `auto`: what a view would save, where it would."""
        saving = saving_of(files)
        settings, options = self._services.settings, self._options
        spares_reads = settings.strategy.changes_in_place or needs_bodies(settings, options)
        if saving is None or options.via is not IndexVia.AUTO or not spares_reads:
            return
        minutes = [
            max(1, round(calls / speeds.calls_per_minute))
            for calls in (saving.calls_one_by_one, saving.calls_through_view)
        ]
        self._tell(
            f"Reading {saving.files:,} files one by one takes about {minutes[0]:,} min. --index-via view makes a"
            f" temporary file view and needs about {minutes[1]:,} min."
        )
