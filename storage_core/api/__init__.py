"""The Python interface: storage locations, projects and folders as objects (design section 9)."""

from storage_core.api.files_and_tables import File, Table
from storage_core.api.migrating import (
    index_files_for_migration,
    index_files_for_migration_async,
    migrate_indexed_files,
    migrate_indexed_files_async,
)
from storage_core.reports.result import MigrationResult

__all__ = [
    "File",
    "MigrationResult",
    "Table",
    "index_files_for_migration",
    "index_files_for_migration_async",
    "migrate_indexed_files",
    "migrate_indexed_files_async",
]
