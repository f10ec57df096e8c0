"""Projects and folders, as far as it matters where their bytes live."""

from dataclasses import dataclass
from typing import Self

from storage_core.api.configurable import StorageLocationConfigurable
from storage_core.api.connection import connection_of
from storage_core.api.migratable import Migratable
from storage_core.api.migrating import entity_id_of
from storage_core.api.transferable import TransferableContainer
from storage_core.errors import UsageError
from storage_core.model.entities import EntityHeader, EntityKind, RootSnapshot


@dataclass
class _Container(StorageLocationConfigurable, TransferableContainer, Migratable):
    """Known by its id; `get` fills in the rest."""

    id: str | None = None
    name: str | None = None

    def get(self, *, synapse_client: object | None = None) -> Self:
        """Look the container up by its id.

        Raises:
            UsageError: it is of another kind.
            NotFound, Forbidden: there is none, or it may not be read.
        """
        connection = connection_of(synapse_client)
        return self._filled(connection.run(connection.desk.storage.root(entity_id_of(self))))

    async def get_async(self, *, synapse_client: object | None = None) -> Self:
        """The same as `get`, awaited."""
        connection = connection_of(synapse_client)
        return self._filled(await connection.hand_over(connection.desk.storage.root(entity_id_of(self))))

    def _filled(self, found: RootSnapshot) -> Self:
        if _CLASSES.get(found.header.kind) is not type(self):
            raise UsageError(
                f"{found.header.id} is a {found.header.kind.value}, no {type(self).__name__.lower()}.",
                fix="Use the class of its kind.",
            )
        self.id, self.name = found.header.id, found.header.name
        return self


@dataclass
class Project(_Container):
    """A project."""


@dataclass
class Folder(_Container):
    """A folder.

    Attributes:
        parent_id: the folder or project it is in.
    """

    parent_id: str | None = None

    def _filled(self, found: RootSnapshot) -> Self:
        self.parent_id = found.parent_id
        return super()._filled(found)


_CLASSES: dict[EntityKind, type[_Container]] = {EntityKind.PROJECT: Project, EntityKind.FOLDER: Folder}


def container_of(header: EntityHeader) -> Project | Folder:
    """The object for a record."""
    if header.kind is EntityKind.PROJECT:
        return Project(id=header.id, name=header.name)
    return Folder(id=header.id, name=header.name)
