"""The seams to tables and file views; part of `ports.catalog.Catalog`, with its errors."""

from collections.abc import Sequence
from typing import Protocol

from storage_core.model.entities import ChildrenPage, FileSnapshot
from storage_core.model.file_views import FilesPage, ViewFacts
from storage_core.model.handles import FileHandle
from storage_core.model.ids import EntityId
from storage_core.model.tables import CellChange, FileColumn, FileRows, RowReference, RowWindow, TableVersion


class TableCatalog(Protocol):
    """Tables with files in their cells. Each method states its calls."""

    async def file_columns(self, table_id: EntityId) -> tuple[FileColumn, ...]:
        """The columns that hold files. One call."""
        ...

    async def file_rows(self, table_id: EntityId, columns: Sequence[FileColumn], window: RowWindow) -> FileRows:
        """Rows of the window, with what is in these columns. Two to four calls.

        Shows every change that was acknowledged before. BadRequest when a column is not in the table any more.
        """
        ...

    async def cell_handles(
        self, table_id: EntityId, columns: Sequence[FileColumn], rows: Sequence[RowReference]
    ) -> tuple[FileHandle, ...]:
        """The handles in these columns of these rows, each once, those that can be seen. One call, one a second."""
        ...

    async def change_cells(self, table_id: EntityId, changes: Sequence[CellChange]) -> None:
        """Write all cells or none, over whatever they hold. Three to six calls. Never two at a time for one table.

        AnswerLost when it is unknown whether it was done, or may still be: read the cells, then decide.
        Forbidden when a handle is neither the caller's own nor in the table; the reason names it.
        """
        ...

    async def table_versions(self, table_id: EntityId) -> tuple[TableVersion, ...]:
        """The frozen versions, newest first. One call per 1,000."""
        ...

    async def snapshot_table(self, table_id: EntityId, *, label: str, comment: str) -> int:
        """Freeze the present state as a version with this label and comment; return its number. One call.

        BadRequest when a version has this label already, so that no repeat makes a second one (contract 9.8).
        AnswerLost: look through the versions, then repeat.
        """
        ...


class ViewCatalog(Protocol):
    """File views, which show the current versions of many files at once, and are not always up to date."""

    async def make_file_view(self, *, name: str, parent_id: EntityId, scope: Sequence[EntityId]) -> EntityId:
        """Make a view of the files in *scope* and below. Two calls.

        Conflict when the name is taken; AnswerLost: look for the name. Forbidden without the right to create there;
        BadRequest when the scope is too large.
        """
        ...

    async def file_view_named(self, name: str, parent_id: EntityId) -> EntityId | None:
        """The view of that name in the container; None when there is no view of that name. One or two calls."""
        ...

    async def delete_file_view(self, view_id: EntityId) -> None:
        """Delete a view for good; one that is gone is fine. One call."""
        ...

    async def file_view(self, view_id: EntityId) -> ViewFacts:
        """What the view, or whatever entity it is, is made of. One call."""
        ...

    async def files_in_view(self, view_id: EntityId, *, after: int) -> FilesPage:
        """All files of the view that still are as it shows them, from the row after *after* on: a page of them.

        About three calls for up to 14,000 rows, and one per 5,000 files. Troubles as those of `files_shown`.
        """
        ...

    async def children_but_files(self, container_id: EntityId, *, page_token: str | None) -> ChildrenPage:
        """One page of children of every kind but files (record sets are no files here), oldest first. One call."""
        ...

    async def count_files(self, container_id: EntityId) -> int | None:
        """How many files the caller can see in the container; None when the service does not say. One call."""
        ...

    async def files_shown(
        self, view_id: EntityId, wanted: Sequence[EntityId], *, with_bodies: bool
    ) -> tuple[FileSnapshot, ...]:
        """Those of the files that the view shows and that still are as it shows them; *wanted* is not empty.

        Without handles and provenance. With *with_bodies* files that have a description are left out, and the others
        have bodies. About three calls per 14,000 rows between the lowest and the highest id, and one per 5,000 files.
        StillRunning when the view does not get ready in time; BadRequest when its scope is too large.
        """
        ...
