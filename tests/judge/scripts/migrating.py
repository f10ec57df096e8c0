"""The client's own migration, on a project of files in several versions, shared handles and, when asked, a table."""

from judging import WISHES, answer, sign_in, written
from synapseclient.models import File, Folder, Project, StorageLocation, StorageLocationType
from synapseclient.table import Column, Row, RowSet, Schema
from synapseutils.migrate_functions import index_files_for_migration, migrate_indexed_files

MIB = 2**20

client = sign_in()
project = Project(name=f"Judged migration {WISHES['strategy']}").store()
folder = Folder(name="below", parent_id=project.id).store()

plain = File(path=written("plain.bin", 1500, seed=1), parent_id=project.id).store()
for seed, size in [(2, 500), (3, 9 * MIB + 1)]:
    grown = File(path=written("grown.bin", size, seed=seed), parent_id=folder.id)
    grown.annotations = {"round": [seed]}
    grown.store()
shared = File(name="shared.bin", data_file_handle_id=plain.data_file_handle_id, parent_id=folder.id).store()

table_id = None
if WISHES["table"]:
    columns = [Column(name="what", columnType="STRING", maximumSize=20), Column(name="file", columnType="FILEHANDLEID")]
    schema = client.store(Schema(name="attached", columns=columns, parent=project.id))
    handles = [client.uploadFileHandle(written(f"cell{n}.bin", 300 + n, seed=40 + n), project.id)["id"] for n in (0, 1)]
    rows = [Row(["first", handles[0]]), Row(["none", None]), Row(["last", handles[1]])]
    client.store(RowSet(schema=schema, rows=rows))
    table_id = schema.id

location = StorageLocation(storage_type=StorageLocationType.SYNAPSE_S3, description="new home").store()
destination = str(location.storage_location_id)
indexed = index_files_for_migration(
    client,
    project.id,
    destination,
    "migration.db",
    file_version_strategy=WISHES["strategy"],
    include_table_files=WISHES["table"],
)
counts_indexed = indexed.get_counts_by_status()
migrated = migrate_indexed_files(client, "migration.db", force=True)
cells = [list(row) for row in client.tableQuery(f'select "file" from {table_id}')] if table_id else []
answer(
    {
        "project": project.id,
        "destination": int(destination),
        "files": {"plain": plain.id, "grown": grown.id, "shared": shared.id},
        "table": table_id,
        "handles": [[row[0], row[2]] for row in cells],
        "indexed": counts_indexed,
        "migrated": migrated.get_counts_by_status(),
        "rows": [{key: str(value) for key, value in row.items()} for row in migrated.get_migrations()],
    }
)
