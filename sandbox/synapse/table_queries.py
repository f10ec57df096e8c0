"""Queries: result bundles, pages and CSV files (contract 9.2 to 9.5)."""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.synapse.access import Right
from sandbox.synapse.columns import BYTES_PER_PAGE, Column, ColumnType
from sandbox.synapse.entities import Entity
from sandbox.synapse.handles import HandleKind
from sandbox.synapse.http import Json, Refused
from sandbox.synapse.kinds import Kind
from sandbox.synapse.locations import DEFAULT_LOCATION_ID, SYNAPSE_BUCKET
from sandbox.synapse.table_csv import ROW_ETAG, ROW_ID, ROW_VERSION, CsvShape
from sandbox.synapse.table_mirror import Mirror
from sandbox.synapse.table_sql import TABLE, Header, Select, Statement, parse, translate
from sandbox.synapse.table_updates import PACKAGE

if TYPE_CHECKING:
    from sandbox.synapse.principals import User
    from sandbox.synapse.world import World

ALL_PARTS = 0x1FF
_ROW_COLUMNS = "ROW_ID, ROW_VERSION, ROW_ETAG"
_TRUTHS = {1: "true", 0: "false", None: None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a query runs on: a table now, or one of its snapshots.

    Attributes:
        benefactors: whose rows the caller may see in a view; None for tables, which show all.
        columns: of the table, whether selected or not.
    """

    entity: Entity
    etag: str
    mirror: Mirror
    columns: tuple[Column, ...]
    benefactors: frozenset[int] | None = None


class Query:
    """One query of one caller, ready to be run in whole or by pages."""

    def __init__(self, source: Source, statement: Statement) -> None:
        self.source = source
        self._statement = statement
        self._select: Select = translate(statement, source.columns)

    @property
    def headers(self) -> list[Header]:
        """The columns of the result."""
        return self._select.headers

    @property
    def has_rows_of_table(self) -> bool:
        """Whether each row of the result is a row of the table, with its id; not so for aggregates."""
        return not self._select.is_aggregate

    @property
    def rows_per_page(self) -> int:
        """The page rule of contract 9.4 over what is selected."""
        return max(1, BYTES_PER_PAGE // max(1, sum(header.bytes_per_cell for header in self.headers)))

    def rows(self, *, offset: int = 0, limit: int | None = None) -> list[tuple[Any, ...]]:
        """Rows within the query's own limits: three members about the row, then the values as texts."""
        own = self._statement.limit
        left = None if own is None else max(0, own - offset)
        wanted = [number for number in (left, limit) if number is not None]
        bounds = f" LIMIT {min(wanted) if wanted else -1} OFFSET {self._statement.offset + offset}"
        found = self.source.mirror.run(self._sql() + bounds, self._select.parameters)
        return _as_texts(found, self.headers, skip=3)

    def count(self) -> int:
        """How many rows the query has, within its own limits."""
        own = -1 if self._statement.limit is None else self._statement.limit
        inner = f"{self._sql()} LIMIT {own} OFFSET {self._statement.offset}"
        ((number,),) = self.source.mirror.run(f"SELECT COUNT(*) FROM ({inner})", self._select.parameters)  # noqa: S608
        return int(number)

    def _sql(self) -> str:
        select = self._select
        rows = _ROW_COLUMNS if self.has_rows_of_table else "NULL, NULL, NULL"
        distinct = "DISTINCT " if select.is_distinct else ""
        conditions = [f"({select.where})"] if select.where else []
        if self.source.benefactors is not None:
            allowed = ", ".join(str(number) for number in sorted(self.source.benefactors))
            conditions.append(f"ROW_BENEFACTOR IN ({allowed})")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        results = ", ".join(select.results)
        return f"SELECT {distinct}{rows}, {results} FROM {TABLE}{where} {select.tail}"  # noqa: S608 - names checked


def query_of(world: "World", user: "User", sql: object) -> Query:
    """The query over the table or view it names; refuses with 400, 403 or 404."""
    statement = parse(sql)
    entity = _readable(world, user, statement.table_id)
    source = _table if entity.kind is Kind.TABLE else _view
    return Query(source(world, user, entity, statement.version), statement)


def state_behind(world: "World", user: "User", sql: object) -> str | None:
    """What the answer of a query depends on, for tables; None where answers must not be kept (contract 9.2)."""
    try:
        statement = parse(sql)
        entity = _readable(world, user, statement.table_id)
    except Refused:
        return None
    if entity.kind is not Kind.TABLE:
        return None
    content = world.tables.content_of(world, entity)
    return f"{entity.id} {entity.current.number} {content.etag} {content.column_ids}"


def run_bundle(world: "World", user: "User", body: Json) -> Json:
    """The QueryResultBundle of a QueryBundleRequest, with the parts its mask asks for."""
    asked = _query_in(body)
    query = query_of(world, user, asked.get("sql"))
    mask = body.get("partMask")
    wanted = ALL_PARTS if mask is None else int(mask)
    answer: Json = {"concreteType": PACKAGE + "QueryResultBundle"}
    for bit, member, make in _PARTS:
        if wanted & bit:
            answer[member] = make(query, asked)
    return answer


def run_next_page(world: "World", user: "User", body: Json) -> Json:
    """The QueryResult that a QueryNextPageToken stands for."""
    try:
        asked = json.loads(base64.urlsafe_b64decode(str(body.get("token")).encode()))
    except ValueError as error:
        raise Refused(400, "The token of the next page cannot be read") from error
    return _result(query_of(world, user, asked.get("sql")), asked)


def run_csv(world: "World", user: "User", body: Json) -> Json:
    """The DownloadFromTableResult of a request: the rows are in a new file of the caller's."""
    query = query_of(world, user, body.get("sql"))
    has_ids = query.has_rows_of_table and body.get("includeRowIdAndRowVersion") is not False
    about_row = [ROW_ID, ROW_VERSION, ROW_ETAG][: 3 if query.source.entity.kind is not Kind.TABLE else 2]
    about_row = about_row if has_ids else []
    names = [*about_row, *(header.name for header in query.headers)]
    rows = ([*row[: len(about_row)], *row[3:]] for row in query.rows())
    header = names if body.get("writeHeader") is not False else None
    data = CsvShape.of(body.get("csvTableDescriptor")).write(header, rows)
    return {
        "concreteType": PACKAGE + "DownloadFromTableResult",
        "resultsFileHandleId": _stored(world, user, data),
        "tableId": query.source.entity.id,
        "etag": query.source.etag,
        "headers": [header.as_json() for header in query.headers],
    }


def _stored(world: "World", user: "User", data: bytes) -> str:
    """A handle of the user's in Synapse's own storage."""
    name = f"Job-{world.ids.number('other')}.csv"
    key = f"{user.id}/{world.ids.uuid()}/{name}"
    world.objects.put(SYNAPSE_BUCKET, key, data)
    handle = world.handles.add(
        world,
        kind=HandleKind.S3,
        created_by=user.id,
        file_name=name,
        content_type="text/csv",
        content_md5=hashlib.md5(data, usedforsecurity=False).hexdigest(),
        content_size=len(data),
        storage_location_id=DEFAULT_LOCATION_ID,
        bucket=SYNAPSE_BUCKET,
        key=key,
    )
    return handle.id


def _readable(world: "World", user: "User", table_id: str) -> Entity:
    entity = world.entities.require(table_id)
    if entity.kind not in {Kind.TABLE, Kind.ENTITY_VIEW}:
        raise Refused(400, f"The sandbox can query tables and entity views; {entity.id} is neither")
    world.access.require(world, user, entity.id, Right.READ)
    # a view shows what its rows allow, a table everything to who may download it (contract 9.2)
    if entity.kind is Kind.TABLE and not world.access.may_download(world, user, entity.id):
        raise Refused(403, f"You lack DOWNLOAD access to the requested entity: {entity.id}.")
    return entity


def _table(world: "World", _user: "User", entity: Entity, number: int | None) -> Source:
    tables = world.tables
    content = tables.content_of(world, entity)
    if number is None or number == entity.current.number:
        columns = tables.schema_of(entity)
        mirror = tables.mirrors.present(entity.id, content, columns)
        return Source(entity=entity, etag=content.etag, mirror=mirror, columns=columns)
    frozen = content.snapshots.get(entity.require_version(number).number)
    if frozen is None:
        raise Refused(404, f"{entity.id}.{number} is not a snapshot")
    mirror = tables.mirrors.frozen(entity.id, number, frozen)
    return Source(entity=entity, etag=content.etag, mirror=mirror, columns=frozen.columns)


def _view(world: "World", user: "User", entity: Entity, number: int | None) -> Source:
    views = world.tables.views
    is_present = number is None or number == entity.current.number
    view = views.present(world, entity) if is_present else views.frozen(entity, number or 0)
    return Source(
        entity=entity,
        etag=view.etag,
        mirror=view.mirror,
        columns=view.columns,
        benefactors=view.readable(world, user),
    )


def _query_in(body: Json) -> Json:
    query = body.get("query")
    if not isinstance(query, dict):
        raise Refused(400, "query is required")
    for member in ("additionalFilters", "selectedFacets", "sort"):
        if query.get(member):
            raise Refused(400, f"The sandbox does not know query.{member}")
    return query


def _result(query: Query, asked: Json) -> Json:
    """One page; a token for the next one only when this one is full (contract 9.3)."""
    offset, limit, page = _number(asked, "offset") or 0, _number(asked, "limit"), query.rows_per_page
    rows = query.rows(offset=offset, limit=page if limit is None else min(page, limit))
    shape = _row_of_table if query.has_rows_of_table else _made_up_row
    answer: Json = {
        "concreteType": PACKAGE + "QueryResult",
        "queryResults": {
            "concreteType": PACKAGE + "RowSet",
            "tableId": query.source.entity.id,
            "etag": query.source.etag,
            "headers": [header.as_json() for header in query.headers],
            "rows": [shape(row) for row in rows],
        },
    }
    if len(rows) == page:
        left = None if limit is None else limit - page
        following = {"sql": asked["sql"], "offset": offset + page, "limit": left}
        answer["nextPageToken"] = {
            "concreteType": PACKAGE + "QueryNextPageToken",
            "entityId": query.source.entity.id,
            "token": base64.urlsafe_b64encode(json.dumps(following).encode()).decode(),
        }
    return answer


def _row_of_table(row: tuple[Any, ...]) -> Json:
    return {"rowId": row[0], "versionNumber": row[1], "etag": row[2], "values": list(row[3:])}


def _made_up_row(row: tuple[Any, ...]) -> Json:
    return {"values": list(row[3:])}


def _number(asked: Json, member: str) -> int | None:
    number = asked.get(member)
    if number is None:
        return None
    if isinstance(number, bool) or not str(number).isdecimal():
        raise Refused(400, f"query.{member} must be a whole number, zero or more")
    return int(number)


def _as_texts(rows: list[tuple[Any, ...]], headers: Sequence[Header], *, skip: int) -> list[tuple[Any, ...]]:
    spell = [_truth if header.type is ColumnType.BOOLEAN else _text for header in headers]
    return [(*row[:skip], *[say(value) for say, value in zip(spell, row[skip:], strict=True)]) for row in rows]


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _truth(value: Any) -> str | None:
    return _TRUTHS.get(value, str(value))


def _count(query: Query, _asked: Json) -> int:
    return query.count()


def _select_columns(query: Query, _asked: Json) -> list[Json]:
    return [header.as_json() for header in query.headers]


def _page_size(query: Query, _asked: Json) -> int:
    return query.rows_per_page


def _column_models(query: Query, _asked: Json) -> list[Json]:
    return [column.as_json() for column in query.source.columns]


def _no_facets(_query: Query, _asked: Json) -> list[Json]:
    return []


def _file_sizes(_query: Query, _asked: Json) -> Json:
    return {"sumFileSizesBytes": 0, "greaterThan": False}


def _updated_on(query: Query, _asked: Json) -> str:
    return query.source.entity.current.modified_on


def _combined_sql(_query: Query, asked: Json) -> str:
    return str(asked["sql"])


_PARTS: tuple[tuple[int, str, Callable[[Query, Json], Any]], ...] = (
    (0x1, "queryResult", _result),
    (0x2, "queryCount", _count),
    (0x4, "selectColumns", _select_columns),
    (0x8, "maxRowsPerPage", _page_size),
    (0x10, "columnModels", _column_models),
    (0x20, "facets", _no_facets),
    (0x40, "sumFileSizes", _file_sizes),
    (0x80, "lastUpdatedOn", _updated_on),
    (0x100, "combinedSql", _combined_sql),
    (0x200, "actionsRequired", _no_facets),
)
