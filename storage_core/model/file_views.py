"""File views: the current versions of files below some containers, as rows of a table (contract 9.10)."""

from dataclasses import dataclass

from storage_core.model.entities import EntityHeader, EntityKind
from storage_core.model.ids import EntityId, FileHandleId


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewRow:
    """One file as a view shows it, which may be as it was some time ago.

    Attributes:
        modified_on: milliseconds since 1970.
        etag: the entity's; with the other fields it describes one and the same state.
    """

    entity_id: EntityId
    parent_id: EntityId
    version: int
    etag: str
    modified_on: int
    handle_id: FileHandleId


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityNow:
    """An entity's header with its times and people, as texts of the service's own."""

    id: EntityId
    name: str
    kind: EntityKind
    version: int
    created_on: str | None
    created_by: str | None
    modified_on: str | None
    modified_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesPage:
    """Files that are as a view shows them, with their containers; a page of them, by rising row id.

    Attributes:
        last_row: where the next page begins; None when there is none.
    """

    files: tuple[tuple[EntityId, EntityHeader], ...]
    last_row: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewFacts:
    """What a view is made of.

    Attributes:
        scope: the containers it looks into, with everything below them.
        shows_files: whether files are among the kinds it shows.
        columns: names.
    """

    id: EntityId
    kind: EntityKind
    scope: frozenset[EntityId]
    shows_files: bool
    columns: frozenset[str]
