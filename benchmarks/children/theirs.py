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
INDEX = str(PLACE / "migration.db")

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
how = {"file_version_strategy": WISHES["strategy"], "include_table_files": WISHES["tables"]}
if WISHES["implementation"] == "synapseutils":
    index_files_for_migration(client, WISHES["root"], str(WISHES["destination"]), INDEX, **how)
    migrate = functools.partial(migrate_indexed_files, client, INDEX, force=True)
else:
    project = Project(id=WISHES["root"])
    project.index_files_for_migration(dest_storage_location_id=str(WISHES["destination"]), db_path=INDEX, **how)
    if WISHES["empties_cache"]:
        shutil.rmtree(CACHE, ignore_errors=True)
    migrate = functools.partial(project.migrate_indexed_files, db_path=INDEX, force=True)
if not WISHES["only_indexes"]:
    print(json.dumps(migrate().get_counts_by_status()))
