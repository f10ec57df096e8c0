"""Our transfers, measured from the inside; takes one JSON argument, prints seconds and peak memory."""

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from storage_core.config import load_config
from storage_core.model.ids import EntityId
from storage_core.model.transfers import DownloadOrder, IfCollision, UploadOrder
from storage_core.wiring.storage import storage_desk
from storage_core.wiring.transfers import TransferDesk, transfer_desk

WISHES = json.loads(sys.argv[1])
PARENT, FOLDER = EntityId(WISHES["parent"]), WISHES["folder"]


async def work(desk: TransferDesk) -> Any:
    """One tree or one file, up or down."""
    match WISHES["direction"], WISHES["file"]:
        case "up", None:
            return await desk.trees_up.upload_tree(FOLDER, UploadOrder(path="", parent_id=PARENT))
        case "up", name:
            return await desk.uploader.upload(UploadOrder(path=f"{FOLDER}/{name}", parent_id=PARENT))
        case _, None:
            return await desk.trees_down.download_tree(PARENT, FOLDER, IfCollision.OVERWRITE_LOCAL)
        case _:
            return await desk.downloader.download(DownloadOrder(entity_id=EntityId(WISHES["id"]), folder=FOLDER))


config = load_config()
with storage_desk(config) as opened:

    async def measured() -> tuple[float, float]:
        """Seconds by the clock and of computing, without the start of the interpreter."""
        began, computed = time.perf_counter(), time.process_time()
        async with transfer_desk(config, opened) as desk:
            await work(desk)
        return time.perf_counter() - began, time.process_time() - computed

    seconds, cpu_seconds = opened.network.run(measured())
# not getrusage: that begins with what the parent had
found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
peak = int(found[1]) // 1024 if found else 0
print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "mib": peak}))
