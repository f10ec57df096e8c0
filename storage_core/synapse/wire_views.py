"""File views: JSON and records (contract 9.1, 9.10)."""

import json
from collections.abc import Mapping, Sequence

from storage_core.model.entities import UNKNOWN_BODY, EntityBody, EntityHeader, EntityKind, FileSnapshot
from storage_core.model.file_views import EntityNow, ViewFacts, ViewRow
from storage_core.model.ids import EntityId, FileHandleId, parse_entity_id
from storage_core.model.tables import RowWindow, TableRow
from storage_core.plan.viewing import DESCRIPTION, ROW_COLUMNS
from storage_core.synapse.calls import Answer, JsonObject
from storage_core.synapse.wire_entities import kind_of
from storage_core.synapse.wire_fields import Fields
from storage_core.synapse.wire_tables import quoted

_VIEW_CLASS = "org.sagebionetworks.repo.model.table.EntityView"
_FILE_CLASS = "org.sagebionetworks.repo.model.FileEntity"
FILES_MASK = 0x1


def view_request(*, name: str, parent_id: EntityId, scope: Sequence[EntityId], columns: Sequence[str]) -> JsonObject:
    """Describe a view of files; *columns* are ids."""
    return {
        "concreteType": _VIEW_CLASS,
        "name": name,
        "parentId": parent_id,
        "scopeIds": list(scope),
        "viewTypeMask": FILES_MASK,
        "columnIds": list(columns),
    }


def read_default_columns(answer: Answer) -> Mapping[str, str]:
    """Read the ids of the columns that a view of files is offered, by name."""
    return {column.text("name"): column.id("id") for column in Fields.of(answer).inners("list")}


def read_view(answer: Answer) -> ViewFacts:
    """Read a table bundle of a view, or of what was taken for one."""
    bundle = Fields.of(answer)
    entity, table = bundle.inner("entity"), bundle.optional_inner("tableBundle")
    columns = () if table is None else table.inners("columnModels")
    return ViewFacts(
        id=EntityId(entity.id("id")),
        kind=kind_of(entity.optional_text("concreteType")),
        # written with or without the letters
        scope=frozenset(parse_entity_id(str(one)) for one in entity.values("scopeIds")),
        shows_files=bool((entity.optional_whole("viewTypeMask") or 0) & FILES_MASK),
        columns=frozenset(column.text("name") for column in columns),
    )


def view_rows_sql(view_id: EntityId, window: RowWindow, *, without_description: bool) -> str:
    """Select files by row id, which in a view is the digits of the entity's id."""
    names = ", ".join(quoted(name) for name in ROW_COLUMNS)
    until = "" if window.until is None else f" AND ROW_ID <= {window.until}"
    bare = f" AND {quoted(DESCRIPTION)} IS NULL" if without_description else ""
    return (
        f"SELECT {names} FROM {view_id} WHERE ROW_ID > {window.after}{until}{bare}"  # noqa: S608 - names of our own
        f" ORDER BY ROW_ID LIMIT {window.limit}"
    )


def read_view_row(row: TableRow) -> ViewRow | None:
    """Read a row; None when it lacks something, as those of folders do."""
    entity_id, version, modified_on, handle_id, parent_id = row.values
    if not (entity_id and version and modified_on and handle_id and parent_id and row.etag):
        return None
    return ViewRow(
        entity_id=parse_entity_id(entity_id),
        parent_id=parse_entity_id(parent_id),
        version=int(version),
        etag=row.etag,
        modified_on=int(modified_on),
        handle_id=FileHandleId(handle_id),
    )


def headers_request(entity_ids: Sequence[EntityId]) -> JsonObject:
    """Ask for headers of entities as they are now."""
    return {"references": [{"targetId": entity_id} for entity_id in entity_ids]}


def read_headers(answer: Answer) -> tuple[EntityNow, ...]:
    """Read headers, in any order; those of missing and unreadable entities are left out."""
    return tuple(_now(fields) for fields in Fields.of(answer).inners("results"))


def _now(fields: Fields) -> EntityNow:
    return EntityNow(
        id=EntityId(fields.id("id")),
        name=fields.optional_text("name") or "",
        kind=kind_of(fields.optional_text("type")),
        version=fields.optional_whole("versionNumber") or 1,
        created_on=fields.optional_text("createdOn"),
        created_by=fields.optional_id("createdBy"),
        modified_on=fields.optional_text("modifiedOn"),
        modified_by=fields.optional_id("modifiedBy"),
    )


def header_of(now: EntityNow) -> EntityHeader:
    """The same, as a listing of children would tell it."""
    return EntityHeader(id=now.id, name=now.name, kind=now.kind, version=now.version)


def shown_file(row: ViewRow, now: EntityNow, *, with_body: bool) -> FileSnapshot:
    """A file that is as the view shows it; its handle and its provenance are still to be looked for."""
    return FileSnapshot(
        entity_id=row.entity_id,
        name=now.name,
        parent_id=row.parent_id,
        kind=EntityKind.FILE,
        version=row.version,
        is_latest=True,
        etag=row.etag,
        handle_id=row.handle_id,
        handle=None,
        body=_body(row, now) if with_body else UNKNOWN_BODY,
        knows_activity=False,
    )


def _body(row: ViewRow, now: EntityNow) -> EntityBody:
    """The body of a file without description: these fields, and label and comment, which a new version leaves out.

    Annotations are no part of it (contract 6.4), and stay.
    """
    body: JsonObject = {
        "concreteType": _FILE_CLASS,
        "id": row.entity_id,
        "name": now.name,
        "parentId": row.parent_id,
        "etag": row.etag,
        "createdOn": now.created_on,
        "createdBy": now.created_by,
        "modifiedOn": now.modified_on,
        "modifiedBy": now.modified_by,
        "versionNumber": row.version,
        "dataFileHandleId": row.handle_id,
    }
    return EntityBody(json_text=json.dumps(body, separators=(",", ":")))
