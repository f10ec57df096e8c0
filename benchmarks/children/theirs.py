"""The existing client's own migration. Runs in the judge's environment, never in ours; takes one JSON argument."""

import functools
import json
import os
import shutil
import sys
import warnings
from pathlib import Path

import synapseclient  # type: ignore[import-not-found] # not in our environment
from synapseclient.models import Project  # type: ignore[import-not-found]
from synapseutils.migrate_functions import (  # type: ignore[import-not-found]
    index_files_for_migration,
    migrate_indexed_files,
)

WISHES = json.loads(sys.argv[1])
PLACE = Path.cwd()
CACHE = PLACE / "cache"

warnings.simplefilter("ignore")
client = synapseclient.Synapse(
    repoEndpoint=os.environ["SYNAPSE_REPO_ENDPOINT"],
    fileHandleEndpoint=os.environ["SYNAPSE_FILE_ENDPOINT"],
    authEndpoint=os.environ["SYNAPSE_AUTH_ENDPOINT"],
    portalEndpoint=os.environ["SYNAPSE_REPO_ENDPOINT"],
    configPath=str(PLACE / "no-such-config"),
    cache_root_dir=str(CACHE),
    silent=True,
)
client.login(authToken=os.environ["SYNAPSE_AUTH_TOKEN"], silent=True)


def work(strategy: str, *, tables: bool, index: str) -> None:
    """Index, and migrate unless only that is wished for."""
    how = {"file_version_strategy": strategy, "include_table_files": tables}
    if WISHES["implementation"] == "synapseutils":
        index_files_for_migration(client, WISHES["root"], str(WISHES["destination"]), index, **how)
        migrate = functools.partial(migrate_indexed_files, client, index, force=True)
    else:
        project = Project(id=WISHES["root"])
        project.index_files_for_migration(dest_storage_location_id=str(WISHES["destination"]), db_path=index, **how)
        if WISHES["empties_cache"]:
            shutil.rmtree(CACHE, ignore_errors=True)
        migrate = functools.partial(project.migrate_indexed_files, db_path=index, force=True)
    if not WISHES["only_indexes"]:
        done = migrate()  # None where there was nothing to migrate
        print(json.dumps(done.get_counts_by_status() if done else {}))


if WISHES["tables_apart"]:
    work(WISHES["strategy"], tables=False, index=str(PLACE / "files.db"))
    work("skip", tables=True, index=str(PLACE / "tables.db"))
else:
    work(WISHES["strategy"], tables=WISHES["tables"], index=str(PLACE / "migration.db"))
