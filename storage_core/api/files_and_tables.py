"""A file or a table alone: for moving just that."""

from dataclasses import dataclass

from storage_core.api.migratable import Migratable


@dataclass
class File(Migratable):
    """A file entity, known by its id."""

    id: str | None = None


@dataclass
class Table(Migratable):
    """A table, known by its id. Index it with `include_table_files=True`."""

    id: str | None = None
