"""What the index knows of where other holders of old handles are to be looked for."""

from storage_core.index.database import Database
from storage_core.index.rows import association, entity_id_of
from storage_core.model.entities import EntityKind
from storage_core.model.handles import Association
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.settings import MigrationSettings

_OLD_HANDLES = """
select c.from_handle, c.from_location, s.entity, s.entity_kind
from copy c join copy_source s on s.copy_id = c.copy_id order by c.copy_id
"""


class HolderTables:
    """Containers and old handles, for counting what a migration leaves where it is."""

    def __init__(self, database: Database, settings: MigrationSettings) -> None:
        self._database = database
        self._settings = settings

    def containers(self) -> tuple[EntityId, ...]:
        """Every project and folder that the walk met, in the order it met them."""
        kinds = [EntityKind.PROJECT.value, EntityKind.FOLDER.value]
        rows = self._database.rows("select entity from found where kind in ? order by seq", [kinds])
        return tuple(entity_id_of(entity) for (entity,) in rows)

    def old_handles(self) -> tuple[tuple[Association, StorageLocationId], ...]:
        """Every handle that was or is to be copied, with a place through which it may be read, and its location."""
        return tuple(
            (association(FileHandleId(str(handle)), entity, kind), StorageLocationId(location))
            for handle, location, entity, kind in self._database.rows(_OLD_HANDLES)
        )

    def note_together(self, events: list[tuple[str, str]]) -> None:
        """Append events with their details to the journal, all of them or none."""
        with self._database.transaction():
            self._database.journal([(event, None, None, detail) for event, detail in events])
