"""The REST calls about tables (contract 9): jobs for queries, downloads and changes, and a few that answer at once."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.synapse import column_routes
from sandbox.synapse.access import Right
from sandbox.synapse.columns import Column, ColumnType
from sandbox.synapse.entities import Entity, canonical_id
from sandbox.synapse.http import Answer, Base, Call, Handler, Json, Refused, Route, Scope
from sandbox.synapse.jobs import outcome_of
from sandbox.synapse.kinds import Kind
from sandbox.synapse.table_queries import run_bundle, run_csv, run_next_page, state_behind
from sandbox.synapse.table_transactions import apply_alone, snapshot_now, transact
from sandbox.synapse.table_updates import PACKAGE

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

QUERY = "tableQuery"
NEXT_PAGE = "tableQueryNextPage"
CSV_DOWNLOAD = "tableCsvDownload"
TRANSACTION = "tableTransaction"
CSV_UPLOAD = "tableCsvUpload"
APPEND = "tableAppend"
_Reader = Callable[["World", "User", Json], Json]
_Writer = Callable[["World", "User", str, Json], Json]


def _reading(kind: str, run: _Reader, sql_in: Callable[[Json], Any]) -> Handler:
    """Start a job that reads: behind the writers of the table, and kept while the table stays as it is."""

    def start(world: "World", call: Call) -> Answer:
        request = {**call.body, "entityId": call.path["id"]}
        state = state_behind(world, call.user, sql_in(call.body))
        return world.jobs.start(
            world,
            call.user,
            kind,
            request,
            lambda: run(world, call.user, request),
            behind=_lock(call),
            same_as=None if state is None else f"{state} {json.dumps(request, sort_keys=True)}",
        )

    return start


def _writing(kind: str, run: _Writer) -> Handler:
    """Start a job that writes: alone on its table, waiting for those before it (contract 9.9)."""

    def start(world: "World", call: Call) -> Answer:
        raw_id = call.path["id"]
        request = {**call.body, "entityId": raw_id}
        return world.jobs.start(
            world, call.user, kind, request, lambda: run(world, call.user, raw_id, request), lock=_lock(call)
        )

    return start


def _alone(kind: str) -> _Writer:
    """A change on its own; here the class is known from the address."""

    def run(world: "World", user: "User", raw_id: str, body: Json) -> Json:
        return apply_alone(world, user, raw_id, {"concreteType": PACKAGE + kind, **body})

    return run


def _lock(call: Call) -> str:
    return call.path["id"].lower().removeprefix("syn")


def _sql_in_bundle(body: Json) -> Any:
    query = body.get("query")
    return query.get("sql") if isinstance(query, dict) else None


def _sql_in_download(body: Json) -> Any:
    return body.get("sql")


def _no_sql(_body: Json) -> None:
    return None


def _snapshot(world: "World", call: Call) -> Answer:
    call.user.require_signed_in()
    return Answer(status=201, json=snapshot_now(world, call.user, call.path["id"], call.body))


def _file_handles(world: "World", call: Call) -> Answer:
    """The handles in cells. Rows that are gone leave no placeholder (contract 9.6)."""
    table = _table_with_handles(world, call)
    columns = _file_columns(world, table, call.body)
    rows, known = call.body.get("rows"), world.tables.rows_of(world, table)
    if not isinstance(rows, list) or not rows:
        raise Refused(400, "rows must not be empty")
    found = (known.get(_row_id(reference)) for reference in rows)
    return Answer(
        json={
            "tableId": table.id,
            "headers": [column.as_header() for column in columns],
            "rows": [
                {"list": [_handle(world, row.cells.get(column.id)) for column in columns]}
                for row in found
                if row is not None
            ],
        }
    )


def _table_with_handles(world: "World", call: Call) -> Entity:
    entity = world.entities.require(call.path["id"])
    world.access.require(world, call.user, entity.id, Right.READ)
    if not world.access.may_download(world, call.user, entity.id):
        raise Refused(403, f"You lack DOWNLOAD access to the requested entity: {entity.id}.")
    if entity.kind is not Kind.TABLE:
        raise Refused(400, f"{entity.id} is not a table")
    named = call.body.get("tableId")
    if named is not None and canonical_id(str(named)) != entity.id:
        raise Refused(400, f"tableId must be {entity.id}")
    return entity


def _file_columns(world: "World", table: Entity, body: Json) -> list[Column]:
    headers = body.get("headers")
    if not isinstance(headers, list) or not headers:
        raise Refused(400, "headers must not be empty")
    by_id = {column.id: column for column in world.tables.schema_of(table)}
    columns = [by_id.get(str(header.get("id"))) if isinstance(header, dict) else None for header in headers]
    chosen = [column for column in columns if column is not None and column.type is ColumnType.FILEHANDLEID]
    if len(chosen) < len(columns):
        raise Refused(400, "All headers must be columns of the type FILEHANDLEID")
    return chosen


def _row_id(reference: Any) -> int:
    row_id = reference.get("rowId") if isinstance(reference, dict) else None
    if isinstance(row_id, bool) or not str(row_id).isdecimal():
        raise Refused(400, f"{row_id} is not a row id")
    return int(str(row_id))


def _handle(world: "World", handle_id: str | None) -> Json | None:
    handle = world.handles.get(handle_id) if handle_id is not None else None
    return handle.as_json() if handle else None


def _job(path: str, start: Handler, *scopes: Scope) -> tuple[Route, Route]:
    template = f"/entity/{{id}}/table/{path}/async"
    return (
        Route(base=Base.REPO, method="POST", template=template + "/start", handler=start, scopes=scopes),
        Route(base=Base.REPO, method="GET", template=template + "/get/{token}", handler=outcome_of(), scopes=scopes),
    )


_READ = (Scope.VIEW, Scope.DOWNLOAD)
_WRITE = (Scope.VIEW, Scope.MODIFY)
ROUTES: tuple[Route, ...] = (
    *column_routes.ROUTES,
    *_job("query", _reading(QUERY, run_bundle, _sql_in_bundle), *_READ),
    *_job("query/nextPage", _reading(NEXT_PAGE, run_next_page, _no_sql), *_READ),
    *_job("download/csv", _reading(CSV_DOWNLOAD, run_csv, _sql_in_download), *_READ),
    *_job("transaction", _writing(TRANSACTION, transact), *_WRITE),
    *_job("upload/csv", _writing(CSV_UPLOAD, _alone("UploadToTableRequest")), *_WRITE),
    *_job("append", _writing(APPEND, _alone("AppendableRowSetRequest")), *_WRITE),
    Route(base=Base.REPO, method="POST", template="/entity/{id}/table/snapshot", handler=_snapshot, scopes=_WRITE),
    Route(
        base=Base.REPO,
        method="POST",
        template="/entity/{id}/table/filehandles",
        handler=_file_handles,
        scopes=(Scope.VIEW,),
    ),
)
