"""The migration as methods of entities, in the signatures of the existing client's models."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from storage_core.api.migrating import (
    Entity,
    StorageLocation,
    entity_id_of,
    index_files_for_migration,
    index_files_for_migration_async,
    migrate_indexed_files,
    migrate_indexed_files_async,
    roots_of_index,
)
from storage_core.api.results import MigrationResult
from storage_core.api.rolling_back import rollback_migration, rollback_migration_async
from storage_core.errors import UsageError


class Migratable:
    """What a project, folder, file or table can have moved. Needs an attribute `id`."""

    id: str | None

    def index_files_for_migration(  # noqa: PLR0913 - the existing client's, and four more
        self,
        dest_storage_location_id: StorageLocation,
        db_path: str | Path | None = None,
        *,
        source_storage_location_ids: StorageLocation | Iterable[StorageLocation] | None = None,
        file_version_strategy: str = "new",
        include_table_files: bool = False,
        continue_on_error: bool = False,
        index_via: str = "auto",
        view: Entity | None = None,
        no_provenance: bool = False,
        max_failures: str | int | None = None,
        synapse_client: object | None = None,
    ) -> MigrationResult:
        """Fill an index with this entity and everything below it; see `migrating.index_files_for_migration`."""
        return index_files_for_migration(
            synapse_client,
            entity_id_of(self),
            dest_storage_location_id,
            db_path,
            source_storage_location_ids,
            file_version_strategy,
            include_table_files,
            continue_on_error,
            index_via,
            view,
            no_provenance,
            max_failures,
        )

    def migrate_indexed_files(  # noqa: PLR0913 - the existing client's, and more
        self,
        db_path: str | Path,
        *,
        create_table_snapshots: bool = True,
        continue_on_error: bool = False,
        force: bool = False,
        engine: str = "auto",
        aws_profile: str | None = None,
        max_failures: str | int | None = None,
        protect: bool = False,
        canary: int | None = None,
        proof: str = "standard",
        retry_errors: str | None = None,
        synapse_client: object | None = None,
    ) -> MigrationResult:
        """Migrate what the index of this entity holds; see `migrating.migrate_indexed_files`.

        Raises:
            UsageError: the index is another entity's.
        """
        self._refuse_other_index(db_path)
        return migrate_indexed_files(
            synapse_client,
            db_path,
            create_table_snapshots,
            continue_on_error,
            force,
            engine=engine,
            aws_profile=aws_profile,
            max_failures=max_failures,
            protect=protect,
            canary=canary,
            proof=proof,
            retry_errors=retry_errors,
        )

    def rollback_migration(
        self,
        db_path: str | Path,
        *,
        continue_on_error: bool = False,
        max_failures: str | int | None = None,
        force: bool = False,
        synapse_client: object | None = None,
    ) -> MigrationResult:
        """Let what the index of this entity has migrated refer to the old handles; see `rolling_back`.

        Raises:
            UsageError: the index is another entity's.
        """
        self._refuse_other_index(db_path)
        return rollback_migration(
            synapse_client, db_path, continue_on_error=continue_on_error, max_failures=max_failures, force=force
        )

    async def index_files_for_migration_async(  # noqa: PLR0913 - its twin's signature
        self,
        dest_storage_location_id: StorageLocation,
        db_path: str | Path | None = None,
        *,
        source_storage_location_ids: StorageLocation | Iterable[StorageLocation] | None = None,
        file_version_strategy: str = "new",
        include_table_files: bool = False,
        continue_on_error: bool = False,
        index_via: str = "auto",
        view: Entity | None = None,
        no_provenance: bool = False,
        max_failures: str | int | None = None,
        synapse_client: object | None = None,
    ) -> MigrationResult:
        """See `index_files_for_migration`."""
        return await index_files_for_migration_async(
            synapse_client,
            entity_id_of(self),
            dest_storage_location_id,
            db_path,
            source_storage_location_ids,
            file_version_strategy,
            include_table_files,
            continue_on_error,
            index_via,
            view,
            no_provenance,
            max_failures,
        )

    async def migrate_indexed_files_async(  # noqa: PLR0913 - its twin's signature
        self,
        db_path: str | Path,
        *,
        create_table_snapshots: bool = True,
        continue_on_error: bool = False,
        force: bool = False,
        engine: str = "auto",
        aws_profile: str | None = None,
        max_failures: str | int | None = None,
        protect: bool = False,
        canary: int | None = None,
        proof: str = "standard",
        retry_errors: str | None = None,
        synapse_client: object | None = None,
    ) -> MigrationResult:
        """See `migrate_indexed_files`."""
        await asyncio.to_thread(self._refuse_other_index, db_path)
        return await migrate_indexed_files_async(
            synapse_client,
            db_path,
            create_table_snapshots,
            continue_on_error,
            force,
            engine=engine,
            aws_profile=aws_profile,
            max_failures=max_failures,
            protect=protect,
            canary=canary,
            proof=proof,
            retry_errors=retry_errors,
        )

    async def rollback_migration_async(
        self,
        db_path: str | Path,
        *,
        continue_on_error: bool = False,
        max_failures: str | int | None = None,
        force: bool = False,
        synapse_client: object | None = None,
    ) -> MigrationResult:
        """See `rollback_migration`."""
        await asyncio.to_thread(self._refuse_other_index, db_path)
        return await rollback_migration_async(
            synapse_client, db_path, continue_on_error=continue_on_error, max_failures=max_failures, force=force
        )

    def _refuse_other_index(self, db_path: str | Path) -> None:
        roots = roots_of_index(db_path)
        if entity_id_of(self) not in roots:
            raise UsageError(
                f"{db_path} is the index of {', '.join(roots)}, not of {entity_id_of(self)}.",
                fix="Call it on that entity, or give this entity's own index.",
            )
