"""Tables: columns, rows, snapshots (contract 9)."""

from typing import TYPE_CHECKING

from sandbox.synapse.http import Json

if TYPE_CHECKING:
    from sandbox.synapse.entities import Entity, Version
    from sandbox.synapse.world import World


class Tables:
    """The rows of all tables. A cell's file handle may be read through its table."""

    def holds_handle(self, table_id: str, handle_id: str) -> bool:
        """Whether a cell of the table holds this handle, or a row of it ever did."""
        del table_id, handle_id
        return False

    def bundle(self, world: "World", entity: "Entity", version: "Version") -> Json:
        """Columns and page size, as bundles show them."""
        del world, entity, version
        return {"columnModels": [], "maxRowsPerPage": 0}
