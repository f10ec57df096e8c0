"""Tables: columns, rows, snapshots (contract 9)."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sandbox.synapse.columns import Column, Columns, rows_per_page
from sandbox.synapse.entity_rules import MOST_VERSIONS, label_is_used
from sandbox.synapse.http import Json, Refused
from sandbox.synapse.kinds import Kind
from sandbox.synapse.table_mirror import Mirrors
from sandbox.synapse.table_rows import Cells, Draft, Frozen, Row, TableContent
from sandbox.synapse.table_values import cell_of
from sandbox.synapse.views import Views

if TYPE_CHECKING:
    from sandbox.synapse.entities import Entity, Version
    from sandbox.synapse.world import World

IN_PROGRESS = "in progress"


class Tables:
    """The rows of all tables, and the columns they share. A cell's file handle may be read through its table.

    `append`, `update` and `snapshot` are for whoever builds a world: they check values, nobody's rights.
    """

    def __init__(self) -> None:
        self.columns = Columns()
        self.mirrors = Mirrors()
        self.views = Views()
        self._contents: dict[str, TableContent] = {}

    def holds_handle(self, table_id: str, handle_id: str) -> bool:
        """Whether a cell of the table holds this handle, or a row of it ever did."""
        content = self._contents.get(table_id)
        return content is not None and handle_id in content.handle_ids

    def bundle(self, world: "World", entity: "Entity", version: "Version") -> Json:
        """Columns and page size, as bundles show them."""
        del world
        columns = self.schema_of(entity, version)
        return {"columnModels": [column.as_json() for column in columns], "maxRowsPerPage": rows_per_page(columns)}

    def schema_of(self, entity: "Entity", version: "Version | None" = None) -> tuple[Column, ...]:
        """The columns of a version, by default of the one in progress. Empty for what has no columns."""
        fields = (version or entity.current).fields
        return self.columns.schema(fields.get("columnIds") or ())

    def content_of(self, world: "World", entity: "Entity") -> TableContent:
        """The rows of a table, in line with its present columns."""
        content = self._contents.get(entity.id)
        if content is None:
            content = self._contents[entity.id] = TableContent(etag=world.ids.uuid())
            content.etags[content.etag] = 0
        column_ids = tuple(column.id for column in self.schema_of(entity))
        if content.column_ids != column_ids:
            content.drop_columns(column_ids)
        return content

    def draft(self, world: "World", entity: "Entity") -> Draft:
        """An empty set of changes to the table as it is now."""
        return Draft(self.content_of(world, entity), self.schema_of(entity))

    def commit(self, world: "World", entity: "Entity", draft: Draft, user_id: str) -> None:
        """Take the changes over and mark the entity as changed by that user."""
        if draft.is_schema_changed:
            column_ids = [column.id for column in draft.columns]
            entity.current.fields = {**entity.current.fields, "columnIds": column_ids}
        if draft.search_enabled is not None:
            entity.current.fields = {**entity.current.fields, "isSearchEnabled": draft.search_enabled}
        draft.commit(world)
        world.entities.touch(world, entity, user_id)

    def rows_of(self, world: "World", entity: "Entity") -> Mapping[int, Row]:
        """The present rows by row id."""
        return self.content_of(world, entity).rows

    def append(self, world: "World", entity: "Entity", rows: Iterable[Cells], *, user_id: str) -> list[int]:
        """Add rows, each a mapping from column id to value, in one transaction; their row ids."""
        draft = self.draft(world, entity)
        row_ids = [draft.insert(_stored(draft, cells)) for cells in rows]
        self.commit(world, entity, draft, user_id)
        return row_ids

    def update(self, world: "World", entity: "Entity", rows: Mapping[int, Cells], *, user_id: str) -> None:
        """Change cells of rows in one transaction, whoever made the handles."""
        draft = self.draft(world, entity)
        for row_id, cells in rows.items():
            draft.update(row_id, _stored(draft, cells))
        self.commit(world, entity, draft, user_id)

    def require_snapshot_allowed(self, entity: "Entity", label: str | None) -> None:
        """Refuse with 400 a label that is taken (contract 9.8) and a version too many."""
        if label is not None and label_is_used(entity, label, besides=entity.current):
            raise Refused(400, f"The version label '{label}' is already used by another version of {entity.id}")
        if len(entity.versions) >= MOST_VERSIONS:
            raise Refused(400, f"Limit of {MOST_VERSIONS} versions exceeded for entity: {entity.id}")

    def snapshot(
        self,
        world: "World",
        entity: "Entity",
        *,
        user_id: str,
        label: str | None = None,
        comment: str | None = None,
        activity_id: str | None = None,
    ) -> int:
        """Freeze the present state as the version in progress and open the next one; the frozen number."""
        self.require_snapshot_allowed(entity, label)
        content = self.content_of(world, entity)
        version = entity.current
        if entity.kind is Kind.TABLE:
            content.snapshots[version.number] = Frozen(self.schema_of(entity), dict(content.rows))
        else:
            self.views.freeze(world, entity, version.number)
        version.label = label or str(version.number)
        version.comment = comment
        version.activity_id = activity_id or version.activity_id
        version.modified_by, version.modified_on = user_id, world.clock.stamp()
        world.entities.add_version(
            world,
            entity,
            modified_by=user_id,
            label=IN_PROGRESS,
            comment=IN_PROGRESS,
            description=version.description,
            annotations=version.annotations,
            fields=dict(version.fields),
        )
        return version.number

    def as_json(self) -> Json:
        """Rows and snapshots of every table that was ever written to: what tests compare before and after."""
        written = {table_id: one for table_id, one in self._contents.items() if one.change_version or one.snapshots}
        return {table_id: _content(content) for table_id, content in written.items()}


def _stored(draft: Draft, cells: Cells) -> Cells:
    return {column_id: cell_of(draft.by_id[column_id], value) for column_id, value in cells.items()}


def _content(content: TableContent) -> Json:
    return {
        "etag": content.etag,
        "changeVersion": content.change_version,
        "rows": _rows(content.rows),
        "snapshots": {str(number): _rows(frozen.rows) for number, frozen in content.snapshots.items()},
    }


def _rows(rows: Mapping[int, Row]) -> Json:
    return {str(row_id): {"version": row.version, "cells": dict(row.cells)} for row_id, row in rows.items()}
