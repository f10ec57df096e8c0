"""The client's own migration of a project that is there already, in either of its implementations; may be killed."""

from judging import WISHES, answer, sign_in
from synapseclient.models import Project
from synapseutils.migrate_functions import index_files_for_migration, migrate_indexed_files

client = sign_in()
PATH = "old.db"
CHOICE = {
    "file_version_strategy": WISHES["strategy"],
    "include_table_files": WISHES["tables"],
    "continue_on_error": True,
}
is_by_models = WISHES["maker"] == "models"
if is_by_models:
    project = Project(id=WISHES["root"])
    indexed = project.index_files_for_migration(
        dest_storage_location_id=int(WISHES["destination"]), db_path=PATH, **CHOICE
    )
else:
    indexed = index_files_for_migration(client, WISHES["root"], WISHES["destination"], PATH, **CHOICE)
counts = indexed.get_counts_by_status()
if is_by_models:
    done = project.migrate_indexed_files(db_path=PATH, continue_on_error=True, force=True)
else:
    done = migrate_indexed_files(client, PATH, continue_on_error=True, force=True)
answer({"indexed": counts, "done": done.get_counts_by_status()})
