"""Tables: JSON and records (contract 9)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storage_core.model.handles import FileHandle
from storage_core.model.ids import ColumnId, EntityId, FileHandleId
from storage_core.model.tables import (
    CellChange,
    FileColumn,
    RowReference,
    RowWindow,
    TableColumn,
    TableRow,
    TableVersion,
)
from storage_core.synapse.calls import Answer, JsonObject
from storage_core.synapse.wire_fields import Fields, nonsense
from storage_core.synapse.wire_handles import read_handle

_PREFIX = "org.sagebionetworks.repo.model.table."
_ROWS, _COUNT, _PAGE_SIZE = 0x1, 0x2, 0x8


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryPage:
    """One page of a query; `row_count` and `rows_per_page` only when they were asked for."""

    columns: tuple[TableColumn, ...]
    rows: tuple[TableRow, ...]
    etag: str | None
    row_count: int | None = None
    rows_per_page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvResult:
    """A finished CSV download: a handle of the caller's own."""

    handle_id: FileHandleId
    etag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellsChanged:
    """What a transaction answered; the snapshot's version when one was asked for."""

    rows: tuple[RowReference, ...]
    snapshot_version: int | None = None


def read_token(answer: Answer) -> str:
    """Read the token of a started job."""
    return Fields.of(answer).id("token")


def table_bundle_request() -> JsonObject:
    """Ask for a table's columns by the bundle, which has no throttle of its own (contract 9.1)."""
    return {"includeEntity": True, "includeTableBundle": True}


def read_columns(answer: Answer) -> tuple[TableColumn, ...]:
    """Read the columns of a table bundle."""
    bundle = Fields.of(answer).inner("tableBundle")
    return tuple(_column(column) for column in bundle.inners("columnModels"))


def _column(fields: Fields) -> TableColumn:
    column_id = fields.optional_id("id")
    return TableColumn(
        id=ColumnId(column_id) if column_id else None,
        name=fields.optional_text("name") or "",
        column_type=fields.optional_text("columnType") or "",
    )


def query_request(
    table_id: EntityId, sql: str, *, limit: int | None, count: bool = False, page_size: bool = False
) -> JsonObject:
    """Ask for rows; with *page_size* also for how many fit into a page, with *count* also for their number."""
    query: JsonObject = {"sql": sql}
    if limit is not None:
        query["limit"] = limit
    return {
        "concreteType": f"{_PREFIX}QueryBundleRequest",
        "entityId": table_id,
        "query": query,
        "partMask": _ROWS | (_COUNT if count else 0) | (_PAGE_SIZE if count or page_size else 0),
    }


def file_rows_sql(table_id: EntityId, columns: Sequence[FileColumn], window: RowWindow) -> str:
    """Select the given columns of a window of rows, by row id and not by offset (contract 9.3)."""
    names = ", ".join(quoted(column.name) for column in columns)
    until = "" if window.until is None else f" AND ROW_ID <= {window.until}"
    return f"SELECT {names} FROM {table_id} WHERE ROW_ID > {window.after}{until} ORDER BY ROW_ID LIMIT {window.limit}"  # noqa: S608 - the names are quoted


def quoted(name: str) -> str:
    """A column's name as the query language wants names that may hold anything."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def read_page(answer: Answer) -> QueryPage:
    """Read a query bundle."""
    bundle = Fields.of(answer)
    result = bundle.inner("queryResult").inner("queryResults")
    return QueryPage(
        columns=tuple(_column(header) for header in result.inners("headers")),
        rows=tuple(_row(row) for row in result.inners("rows")),
        etag=result.optional_text("etag"),
        row_count=bundle.optional_whole("queryCount"),
        rows_per_page=bundle.optional_whole("maxRowsPerPage"),
    )


def _row(fields: Fields) -> TableRow:
    return TableRow(
        row_id=fields.optional_whole("rowId"),
        version=fields.optional_whole("versionNumber"),
        values=fields.optional_texts("values"),
        etag=fields.optional_text("etag"),
    )


def csv_request(table_id: EntityId, sql: str) -> JsonObject:
    """Ask for a CSV with row ids and row versions in front (contract 9.5)."""
    return {
        "concreteType": f"{_PREFIX}DownloadFromTableRequest",
        "entityId": table_id,
        "sql": sql,
        "writeHeader": True,
        "includeRowIdAndRowVersion": True,
    }


def read_csv(answer: Answer) -> CsvResult:
    """Read where the CSV is."""
    fields = Fields.of(answer)
    return CsvResult(handle_id=FileHandleId(fields.id("resultsFileHandleId")), etag=fields.optional_text("etag"))


def row_handles_request(table_id: EntityId, columns: Sequence[ColumnId], rows: Sequence[RowReference]) -> JsonObject:
    """Ask for the handles in the given cells (contract 9.6)."""
    return {
        "tableId": table_id,
        "headers": [{"id": column} for column in columns],
        "rows": [{"rowId": row.row_id, "versionNumber": row.version} for row in rows],
    }


def read_row_handles(answer: Answer) -> tuple[FileHandle, ...]:
    """Read the handles found, each once. Rows that are gone leave no trace, so position says nothing."""
    handles = (
        read_handle(cell)
        for row in Fields.of(answer).inners("rows")
        for cell in row.optional_inners("list")
        if cell is not None
    )
    return tuple({handle.id: handle for handle in handles}.values())


def change_request(
    table_id: EntityId, changes: Iterable[CellChange], *, snapshot_comment: str | None = None
) -> JsonObject:
    """Write cells by row id, all other cells untouched, with a snapshot afterwards if a comment is given.

    A row appears once, whatever the number of its cells; a row without cells would be ignored, one without an id
    would be added (contract 9.7), and neither can be expressed here.
    """
    by_row: dict[int, list[JsonObject]] = {}
    for change in changes:
        by_row.setdefault(change.row_id, []).append({"key": change.column_id, "value": change.handle_id})
    body: JsonObject = {
        "concreteType": f"{_PREFIX}TableUpdateTransactionRequest",
        "entityId": table_id,
        "changes": [
            {
                "concreteType": f"{_PREFIX}AppendableRowSetRequest",
                "entityId": table_id,
                "toAppend": {
                    "concreteType": f"{_PREFIX}PartialRowSet",
                    "tableId": table_id,
                    "rows": [{"rowId": row_id, "values": values} for row_id, values in by_row.items()],
                },
            }
        ],
    }
    if snapshot_comment is not None:
        body |= {"createSnapshot": True, "snapshotOptions": snapshot_request(snapshot_comment)}
    return body


def read_changed(answer: Answer) -> CellsChanged:
    """Read the row versions a transaction made."""
    fields = Fields.of(answer)
    rows = (row for result in fields.inners("results") for row in _referenced(result))
    return CellsChanged(rows=tuple(rows), snapshot_version=fields.optional_whole("snapshotVersionNumber"))


def _referenced(result: Fields) -> Iterable[RowReference]:
    references = result.optional_inner("rowReferenceSet")
    if references is None:
        return
    for row in references.inners("rows"):
        yield RowReference(row_id=row.whole("rowId"), version=row.whole("versionNumber"))


def snapshot_request(comment: str, label: str | None = None) -> JsonObject:
    """Describe a snapshot; without a label it gets the service's own."""
    return {"snapshotComment": comment} if label is None else {"snapshotComment": comment, "snapshotLabel": label}


def read_snapshot(answer: Answer) -> int:
    """Read the number of the frozen version."""
    version = Fields.of(answer).optional_whole("snapshotVersionNumber")
    if version is None:
        raise nonsense(answer.call, "the snapshot has no version")
    return version


def read_versions(answer: Answer, table_id: EntityId) -> tuple[TableVersion, ...]:
    """Read one page of frozen versions, newest first; what is still in progress is not among them (contract 6.3)."""
    return tuple(
        TableVersion(
            table_id=table_id,
            number=entry.whole("versionNumber"),
            comment=entry.optional_text("versionComment"),
        )
        for entry in Fields.of(answer).inners("results")
    )
