"""`MigrationResult` as scripts make it: of the path of an index."""

from pathlib import Path

from storage_core.api.reading import IndexOnDisk
from storage_core.errors import UsageError
from storage_core.index.parquet import export_parquet
from storage_core.reports import result


class MigrationResult(result.MigrationResult):
    """What an index holds. Keeps no file open, asks Synapse nothing.

    Made by indexing and migrating, or in one of the existing client's ways: ``MigrationResult(db_path)``, or
    ``MigrationResult(syn, db_path)``. A client is not needed; what is given for one is not used.

    Raises:
        UsageError: no path, or more than one, was given.
    """

    def __init__(
        self, *path_and_client: object, db_path: str | Path | None = None, synapse_client: object | None = None
    ) -> None:
        del synapse_client
        paths = [one for one in (*path_and_client, db_path) if isinstance(one, (str, Path))]
        if len(paths) != 1:
            raise UsageError("A MigrationResult needs the path of one index.", fix="Give it as db_path.")
        path = Path(paths[0]).expanduser()
        super().__init__(path, IndexOnDisk(path), export=export_parquet)
