"""A file or a table alone: to store, to get, to move."""

from dataclasses import dataclass

from storage_core.api.migratable import Migratable
from storage_core.api.transferable import TransferableFile


@dataclass
class File(TransferableFile, Migratable):
    """A file entity: known by its id, or to be stored from a local file."""


@dataclass
class Table(Migratable):
    """A table, known by its id. Index it with `include_table_files=True`."""

    id: str | None = None
