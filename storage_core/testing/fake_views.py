"""The part of the fake Synapse that is about file views: what they show may be old, or be missing."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from storage_core.errors import AnswerLost, BadRequest, Conflict, Forbidden, NotFound, RestError, StillRunning
from storage_core.model.entities import UNKNOWN_BODY, EntityHeader, EntityKind, FileSnapshot
from storage_core.model.file_views import FilesPage, ViewFacts
from storage_core.model.ids import EntityId
from storage_core.plan.viewing import DESCRIPTION, ROW_COLUMNS

_PAGE = 100

_TROUBLES: dict[str, tuple[type[RestError], int]] = {
    "forbidden": (Forbidden, 403),
    "too large": (BadRequest, 400),
    "slow": (StillRunning, 202),
    "gone": (NotFound, 404),
}


@dataclass
class FakeViews:
    """Implements `ports.tables.ViewCatalog` over files that somebody else holds.

    Attributes:
        views: by id; the container each is in, and its name.
        unshown: files that views do not show as they are now.
        view_trouble: what happens to the next calls of each method, by its name; an empty text is none. Besides what
            the service answers: 'lost before', 'lost after'.
        shown: gives the file as it is now, without handle and provenance.
        every: gives the ids of all files.
    """

    shown: Callable[[EntityId], FileSnapshot | None]
    every: Callable[[], Iterable[EntityId]]
    calls: dict[str, int]
    views: dict[EntityId, tuple[EntityId, str]] = field(default_factory=dict)
    facts: dict[EntityId, ViewFacts] = field(default_factory=dict)
    unshown: set[EntityId] = field(default_factory=set)
    view_trouble: dict[str, list[str]] = field(default_factory=dict)

    async def make_file_view(self, *, name: str, parent_id: EntityId, scope: Sequence[EntityId]) -> EntityId:
        """A view that shows every file."""
        trouble = self._take("make_file_view", calls=2)
        if (parent_id, name) in self.views.values():
            raise _error(Conflict, 409)
        if trouble == "lost before":
            raise _error(AnswerLost, 504)
        view_id = EntityId(f"syn{900_000 + self.calls['make_file_view']}")
        self.views[view_id] = (parent_id, name)
        self.facts[view_id] = ViewFacts(
            id=view_id,
            kind=EntityKind.ENTITY_VIEW,
            scope=frozenset(scope),
            shows_files=True,
            columns=frozenset({*ROW_COLUMNS, DESCRIPTION}),
        )
        if trouble == "lost after":
            raise _error(AnswerLost, 504)
        return view_id

    async def file_view_named(self, name: str, parent_id: EntityId) -> EntityId | None:
        """Its id."""
        self._take("file_view_named", calls=2)
        return next((view_id for view_id, made in self.views.items() if made == (parent_id, name)), None)

    async def delete_file_view(self, view_id: EntityId) -> None:
        """No trace is left."""
        self._take("delete_file_view")
        self.views.pop(view_id, None)

    async def file_view(self, view_id: EntityId) -> ViewFacts:
        """What it is made of."""
        self._take("file_view")
        if view_id not in self.facts:
            raise _error(NotFound, 404)
        return self.facts[view_id]

    async def files_in_view(self, view_id: EntityId, *, after: int) -> FilesPage:
        """All files but the unshown ones, in pages of a hundred."""
        self._take("files_in_view", calls=4)
        if view_id not in self.facts:
            raise _error(NotFound, 404)
        ids = sorted(
            (entity_id for entity_id in self.every() if int(entity_id[3:]) > after), key=lambda one: int(one[3:])
        )
        page = ids[:_PAGE]
        found = [self.shown(entity_id) for entity_id in page if entity_id not in self.unshown]
        files = tuple(
            (one.parent_id, EntityHeader(id=one.entity_id, name=one.name, kind=one.kind, version=one.version))
            for one in found
            if one is not None and one.parent_id is not None
        )
        return FilesPage(files=files, last_row=int(page[-1][3:]) if len(ids) > len(page) else None)

    async def files_shown(
        self, view_id: EntityId, wanted: Sequence[EntityId], *, with_bodies: bool
    ) -> tuple[FileSnapshot, ...]:
        """All files but the unshown ones."""
        self._take("files_shown", calls=4)
        if view_id not in self.facts:
            raise _error(NotFound, 404)
        found = [self.shown(entity_id) for entity_id in wanted if entity_id not in self.unshown]
        return tuple(one if with_bodies else replace(one, body=UNKNOWN_BODY) for one in found if one is not None)

    def _take(self, method: str, calls: int = 1) -> str:
        """Count, then raise the next trouble of this method, if it is one that the service answers."""
        self.calls[method] = self.calls.get(method, 0) + calls
        planned = self.view_trouble.get(method)
        trouble = planned.pop(0) if planned else ""
        if trouble in _TROUBLES:
            raise _error(*_TROUBLES[trouble])
        return trouble


def _error(kind: type[RestError], status: int) -> RestError:
    return kind(call="FAKE /view", status=status, reason="as planned")
