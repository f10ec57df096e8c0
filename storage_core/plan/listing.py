"""What a listing alone decides about an entity: look into it later, or leave it alone now. Pure."""

from enum import Enum

from storage_core.model.entities import EntityKind
from storage_core.model.items import ReasonCode
from storage_core.model.settings import FileVersionStrategy, MigrationSettings

_FILES = frozenset({EntityKind.FILE, EntityKind.RECORD_SET})


class Queue(Enum):
    """The entity has to be looked into: listed when it is a container, read when it is not."""

    QUEUE = "queue"


def disposition(kind: EntityKind, settings: MigrationSettings) -> Queue | ReasonCode:
    """Queue the entity, or say why it is left alone.

    Containers are always walked, also under strategy skip: tables may lie anywhere below them.
    """
    if kind.is_container:
        return Queue.QUEUE
    if kind in _FILES:
        return ReasonCode.FILES_SKIPPED if settings.strategy is FileVersionStrategy.SKIP else Queue.QUEUE
    if kind is EntityKind.TABLE:
        return Queue.QUEUE if settings.include_tables else ReasonCode.TABLES_NOT_INCLUDED
    return ReasonCode.NO_FILE_HANDLE
