"""The existing client's transfers. Runs in the judge's environment, never in ours; takes one JSON argument."""

import csv
import json
import os
import re
import sys
import time
import warnings
from pathlib import Path

import synapseclient  # type: ignore[import-not-found] # not in our environment
from synapseclient.models import File, Folder  # type: ignore[import-not-found]

WISHES = json.loads(sys.argv[1])
PLACE = Path.cwd()
FOLDER = Path(WISHES["folder"])

warnings.simplefilter("ignore")
client = synapseclient.Synapse(
    repoEndpoint=os.environ["SYNAPSE_REPO_ENDPOINT"],
    fileHandleEndpoint=os.environ["SYNAPSE_FILE_ENDPOINT"],
    authEndpoint=os.environ["SYNAPSE_AUTH_ENDPOINT"],
    portalEndpoint=os.environ["SYNAPSE_REPO_ENDPOINT"],
    configPath=str(PLACE / "no-such-config"),
    cache_root_dir=str(PLACE / f"cache {WISHES['direction']}"),  # cold: what it uploaded it would not download
    silent=True,
)
client.login(authToken=os.environ["SYNAPSE_AUTH_TOKEN"], silent=True)
manifest = PLACE / "manifest.csv"
with manifest.open("w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["path", "parentId"])
    writer.writerows([str(path), WISHES["parent"]] for path in sorted(FOLDER.iterdir()))

began, computed = time.perf_counter(), time.process_time()
if WISHES["direction"] == "up":
    if WISHES["file"] is None:
        Folder(id=WISHES["parent"]).sync_to_synapse(manifest_path=str(manifest), send_messages=False)
    else:
        File(path=str(FOLDER / WISHES["file"]), parent_id=WISHES["parent"]).store()
elif WISHES["file"] is None:
    Folder(id=WISHES["parent"]).sync_from_synapse(path=str(FOLDER))
else:
    File(id=WISHES["id"], path=str(FOLDER)).get()
seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - computed
found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
peak = int(found[1]) // 1024 if found else 0
print()
print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "mib": peak}))
