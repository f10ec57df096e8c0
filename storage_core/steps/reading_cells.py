"""Reading what certain cells of a table hold now, page by page."""

from bisect import bisect_right
from collections.abc import Sequence

from storage_core.errors import BadRequest
from storage_core.model.ids import ColumnId, EntityId, FileHandleId
from storage_core.model.places import TableCell
from storage_core.model.tables import FileColumn, RowWindow
from storage_core.plan.cells import rows_per_page
from storage_core.ports.catalog import Catalog

Row = dict[ColumnId, FileHandleId | None]
"""What the file columns of one row hold; None is an empty cell."""


class CellReader:
    """Reads cells of one table; remembers its columns between readings, until they turn out to have changed."""

    def __init__(self, table_id: EntityId, catalog: Catalog) -> None:
        self._table_id = table_id
        self._catalog = catalog
        self._columns: dict[ColumnId, FileColumn] | None = None

    def has_column(self, column_id: ColumnId) -> bool:
        """Whether the table had the column when it was read last."""
        return column_id in (self._columns or {})

    async def rows(self, cells: Sequence[TableCell]) -> dict[int, Row]:
        """The rows of these cells that still exist, with those of the cells' columns that still exist.

        Two to four calls per page, and one for the columns: the first time, and when a query does not know one.

        Raises:
            Forbidden: asking a table takes the right to download from it (contract 9.2).
        """
        known = self._columns
        if known is None:
            known = self._columns = await self._columns_now()
        try:
            return await self._pages(cells, known)
        except BadRequest:
            self._columns = await self._columns_now()
            if self._columns == known:
                raise
            return await self._pages(cells, self._columns)

    async def _columns_now(self) -> dict[ColumnId, FileColumn]:
        return {column.id: column for column in await self._catalog.file_columns(self._table_id)}

    async def _pages(self, cells: Sequence[TableCell], present: dict[ColumnId, FileColumn]) -> dict[int, Row]:
        """Long stretches of rows that do not matter are skipped."""
        wanted = sorted({cell.row_id for cell in cells})
        asked = {cell.column_id for cell in cells}
        columns = [column for column in present.values() if column.id in asked]
        rows: dict[int, Row] = {}
        at = 0
        while columns and at < len(wanted):
            window = RowWindow(after=wanted[at] - 1, until=wanted[-1], limit=rows_per_page(len(columns)))
            page = await self._catalog.file_rows(self._table_id, columns, window)
            for row in page.rows:
                rows[row.row_id] = {column.id: held for column, held in zip(columns, row.handles, strict=True)}
            if page.is_complete or not page.rows:
                break
            at = bisect_right(wanted, page.rows[-1].row_id)
        return rows
