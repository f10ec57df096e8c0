"""The REST calls about columns (contract 9.1)."""

from typing import TYPE_CHECKING

from sandbox.synapse.columns import Column, ColumnType
from sandbox.synapse.entity_reads import readable
from sandbox.synapse.http import Answer, Base, Call, Handler, Refused, Route, Scope
from sandbox.synapse.paging import page_of

if TYPE_CHECKING:
    from sandbox.synapse.world import World

_FILES = 0x1
_OBJECT_COLUMNS: tuple[tuple[str, ColumnType, int | None], ...] = (
    ("id", ColumnType.ENTITYID, None),
    ("name", ColumnType.STRING, 256),
    ("description", ColumnType.STRING, 1000),
    ("createdOn", ColumnType.DATE, None),
    ("createdBy", ColumnType.USERID, None),
    ("etag", ColumnType.STRING, 36),
    ("modifiedOn", ColumnType.DATE, None),
    ("modifiedBy", ColumnType.USERID, None),
    ("path", ColumnType.STRING, 1000),
    ("type", ColumnType.STRING, 20),
    ("currentVersion", ColumnType.INTEGER, None),
    ("parentId", ColumnType.ENTITYID, None),
    ("benefactorId", ColumnType.ENTITYID, None),
    ("projectId", ColumnType.ENTITYID, None),
)
_FILE_COLUMNS: tuple[tuple[str, ColumnType, int | None], ...] = (
    ("dataFileHandleId", ColumnType.FILEHANDLEID, None),
    ("dataFileName", ColumnType.STRING, 256),
    ("dataFileSizeBytes", ColumnType.INTEGER, None),
    ("dataFileMD5Hex", ColumnType.STRING, 100),
    ("dataFileConcreteType", ColumnType.STRING, 65),
    ("dataFileBucket", ColumnType.STRING, 100),
    ("dataFileKey", ColumnType.STRING, 700),
)


def default_view_columns(world: "World", mask: int) -> list[Column]:
    """The columns a view over such entities is offered; equal content means the same ids every time."""
    wanted = _OBJECT_COLUMNS + (_FILE_COLUMNS if mask & _FILES else ())
    return [world.tables.columns.add(world, name, kind, maximumSize=size) for name, kind, size in wanted]


def _of_entity(world: "World", call: Call) -> Answer:
    entity = readable(world, call)
    return Answer(json={"results": [column.as_json() for column in world.tables.schema_of(entity)]})


def _create(world: "World", call: Call) -> Answer:
    call.user.require_signed_in()
    return Answer(status=201, json=world.tables.columns.create(world, call.body).as_json())


def _create_batch(world: "World", call: Call) -> Answer:
    call.user.require_signed_in()
    bodies = call.body.get("list")
    if not isinstance(bodies, list) or not bodies or not all(isinstance(body, dict) for body in bodies):
        raise Refused(400, "list must hold at least one column")
    made = [world.tables.columns.create(world, body).as_json() for body in bodies]
    return Answer(status=201, json={"concreteType": "org.sagebionetworks.repo.model.ListWrapper", "list": made})


def _get(world: "World", call: Call) -> Answer:
    call.user.require_signed_in()
    return Answer(json=world.tables.columns.require(call.path["id"]).as_json())


def _list(world: "World", call: Call) -> Answer:
    call.user.require_signed_in()
    prefix = call.query.get("prefix", "").casefold()
    found = [column for column in world.tables.columns.all() if column.name.casefold().startswith(prefix)]
    page, total = page_of(sorted(found, key=lambda column: column.name.casefold()), call)
    return Answer(json={"results": [column.as_json() for column in page], "totalNumberOfResults": total})


def _defaults(world: "World", call: Call) -> Answer:
    if call.query.get("viewEntityType", "entityview") != "entityview":
        raise Refused(400, "The sandbox knows the default columns of entity views only")
    raw = call.query.get("viewTypeMask", str(_FILES))
    if not raw.isdecimal():
        raise Refused(400, "viewTypeMask must be a number")
    return Answer(json={"list": [column.as_json() for column in default_view_columns(world, int(raw))]})


def _route(method: str, template: str, handler: Handler, *scopes: Scope) -> Route:
    return Route(base=Base.REPO, method=method, template=template, handler=handler, scopes=scopes)


ROUTES = (
    _route("GET", "/entity/{id}/column", _of_entity, Scope.VIEW),
    _route("GET", "/column", _list, Scope.VIEW),
    _route("GET", "/column/{id}", _get, Scope.VIEW),
    _route("GET", "/column/tableview/defaults", _defaults, Scope.VIEW),
    _route("POST", "/column", _create, Scope.VIEW, Scope.MODIFY),
    _route("POST", "/column/batch", _create_batch, Scope.VIEW, Scope.MODIFY),
)
