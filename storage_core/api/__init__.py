"""The Python interface: storage locations, projects and folders as objects (design section 9)."""

from storage_core.api.connection import Connection, close_shared_connections
from storage_core.api.containers import Folder, Project
from storage_core.api.files_and_tables import File, Table
from storage_core.api.migrating import (
    index_files_for_migration,
    index_files_for_migration_async,
    migrate_indexed_files,
    migrate_indexed_files_async,
)
from storage_core.api.results import MigrationResult
from storage_core.api.rolling_back import rollback_migration, rollback_migration_async
from storage_core.api.settings import ProjectSetting, UploadDestinationListSetting
from storage_core.api.storage_location import StorageLocation
from storage_core.api.transferring import (
    download_files,
    download_files_async,
    upload_files,
    upload_files_async,
    upload_manifest,
    upload_manifest_async,
)
from storage_core.locations import StorageLocationType
from storage_core.model.destinations import UploadType

__all__ = [
    "Connection",
    "File",
    "Folder",
    "MigrationResult",
    "Project",
    "ProjectSetting",
    "StorageLocation",
    "StorageLocationType",
    "Table",
    "UploadDestinationListSetting",
    "UploadType",
    "close_shared_connections",
    "download_files",
    "download_files_async",
    "index_files_for_migration",
    "index_files_for_migration_async",
    "migrate_indexed_files",
    "migrate_indexed_files_async",
    "rollback_migration",
    "rollback_migration_async",
    "upload_files",
    "upload_files_async",
    "upload_manifest",
    "upload_manifest_async",
]
