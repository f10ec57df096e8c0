"""Moves one large file up and down in a process of its own and says how much memory that took.

Arguments: the place (sftp or object-store), the size in bytes, a folder, and what the place needs.
"""

import asyncio
import json
import resource
import sys
from contextlib import aclosing
from pathlib import Path

from storage_core.config import Config, ObjectStoreProfile, SftpLogin
from storage_core.local_files.reading import measure
from storage_core.model.destinations import LocationKind, UploadType
from storage_core.model.handles import Association, AssociationKind, FileHandle, HandleKind
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.secret import Secret
from storage_core.model.transfers import AddressedFile, ObjectStoreObject, Readable, Upload, UploadDestination
from storage_core.ports.transfers import ByteStore
from storage_core.stores.own_keys_store import OwnKeysStore
from storage_core.stores.sftp_store import SftpStore


def used_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print peak memory before and after, in MB, and the number of bytes that came down."""
    wishes = json.loads(sys.argv[1])
    folder = Path(wishes["folder"])
    path = folder / "large.bin"
    with path.open("wb") as file:
        file.truncate(wishes["size_bytes"])
    store, destination = opened(wishes, folder)
    before = used_mb()
    count = asyncio.run(moved(store, destination, path))
    print(json.dumps({"before": before, "after": used_mb(), "count": count}))


def opened(wishes: dict[str, str], folder: Path) -> tuple[ByteStore, UploadDestination]:
    common = {"entity_id": EntityId("syn1"), "location_id": StorageLocationId(7), "upload_type": UploadType.NONE}
    if wishes["place"] == "sftp":
        login = SftpLogin(
            url=wishes["url"],
            username=wishes["username"],
            password=Secret(""),
            private_key=wishes["private_key"],
            host_key=wishes["host_key"],
        )
        config = Config(token=Secret("none"), state_folder=folder, sftp_logins=(login,))
        to = UploadDestination(kind=LocationKind.EXTERNAL_SFTP, url=f"{wishes['url']}/large", **common)  # type: ignore[arg-type]
        return SftpStore(config), to
    profile = ObjectStoreProfile(url=f"{wishes['url']}/{wishes['bucket']}", profile_name=wishes["profile"])
    config = Config(token=Secret("none"), state_folder=folder, object_store_profiles=(profile,))
    to = UploadDestination(
        kind=LocationKind.EXTERNAL_OBJECT_STORE,
        endpoint_url=wishes["url"],
        bucket=wishes["bucket"],
        **common,  # type: ignore[arg-type]
    )
    return OwnKeysStore(config), to


async def moved(store: ByteStore, destination: UploadDestination, path: Path) -> int:
    upload = Upload(
        file=await measure(str(path)),
        file_name="large.bin",
        content_type="application/octet-stream",
        destination=destination,
        ticket="a" * 32,
    )
    stored = await store.put(upload)
    assert isinstance(stored, AddressedFile | ObjectStoreObject)
    handle = FileHandle(
        id=FileHandleId("9"),
        kind=HandleKind.EXTERNAL_URL if isinstance(stored, AddressedFile) else HandleKind.OBJECT_STORE,
        concrete_type="",
        storage_location_id=StorageLocationId(7),
        url=stored.url if isinstance(stored, AddressedFile) else None,
        key=stored.key if isinstance(stored, ObjectStoreObject) else None,
        endpoint_url=destination.endpoint_url,
        bucket=destination.bucket,
    )
    association = Association(handle_id=handle.id, object_id=destination.entity_id, kind=AssociationKind.FILE)
    count = 0
    async with aclosing(store.read(Readable(handle=handle, association=association))) as chunks:
        async for chunk in chunks:
            count += len(chunk)
    await store.aclose()
    return count


if __name__ == "__main__":
    main()
