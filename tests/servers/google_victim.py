"""A process that stores one file at Google and kills itself, for real, at a moment it was told.

Arguments: the emulator, the bucket, the state folder, the file, where registrations are noted, and the moment: a
number of bytes that have moved, ``ended`` (all are through), ``registered``, or ``never``.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from storage_core.config import Config
from storage_core.local_files.disk import Disk
from storage_core.local_files.tickets import TicketFolder
from storage_core.model.destinations import LocationKind, UploadType
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.secret import Secret
from storage_core.model.transfers import Upload, UploadDestination, UploadPurpose
from storage_core.steps.storing import Storing
from storage_core.stores.google_cloud_store import GoogleCloudStore
from storage_core.synapse.clock import SystemClock


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DeadlyWatch:
    def __init__(self, moment: str) -> None:
        self._moment = moment
        self._bytes = 0

    def began(self, path: str, size_bytes: int) -> None:
        self.moved(path, 0)

    def moved(self, path: str, count: int) -> None:
        self._bytes += count
        if self._moment.isdigit() and self._bytes >= int(self._moment):
            die()

    def ended(self, path: str) -> None:
        if self._moment == "ended":
            die()


class NotedRegistrations:
    """Stands for Synapse: the emulator's bucket is none that the sandbox could look into."""

    def __init__(self, path: Path, moment: str) -> None:
        self._path = path
        self._moment = moment

    async def register(self, registrable: Any, facts: Any) -> Any:
        with self._path.open("a") as noted:
            noted.write(f"{registrable.key}\n")
        if self._moment == "registered":
            die()
        return type("Handle", (), {"id": "1"})()


async def store(endpoint: str, bucket: str, state: str, path: str, noted: str, moment: str) -> None:
    file = await Disk().measure(path)
    to = UploadDestination(
        entity_id=EntityId("syn1"),
        location_id=StorageLocationId(7),
        kind=LocationKind.EXTERNAL_GOOGLE_CLOUD,
        upload_type=UploadType.GOOGLE_CLOUD_STORAGE,
        bucket=bucket,
        base_key="lab",
    )
    upload = Upload(file=file, file_name="a.bin", content_type="text/plain", destination=to, ticket="")
    purpose = UploadPurpose(
        container_id=to.entity_id,
        location_id=to.location_id,
        file_name="a.bin",
        size_bytes=file.size_bytes,
        md5=file.md5,
    )
    storing = Storing(
        registrar=NotedRegistrations(Path(noted), moment),
        tickets=TicketFolder(Path(state) / "uploads", synapse="none"),
        clock=SystemClock(),
        watch=DeadlyWatch(moment),
    )
    google = GoogleCloudStore(Config(token=Secret("none"), state_folder=Path(state), google_endpoint=endpoint))
    await storing.store(upload, google, purpose)
    storing.settled(google, purpose)
    await google.aclose()


if __name__ == "__main__":
    asyncio.run(store(*sys.argv[1:]))
