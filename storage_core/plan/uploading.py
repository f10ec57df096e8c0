"""What an upload comes to, decided without looking anywhere."""

import mimetypes
from collections.abc import Callable

from storage_core.errors import BadRequest, UsageError
from storage_core.model.entities import FileSnapshot
from storage_core.model.handles import FileHandle
from storage_core.model.ids import StorageLocationId
from storage_core.model.transfers import LocalFile, StoreLimits, UploadDestination, UploadOrder
from storage_core.plan.file_names import LONGEST_NAME, is_valid_file_name, may_be_valid_file_name

UNKNOWN_TYPE = "application/octet-stream"


def name_of(path: str, wanted: str | None) -> str:
    """The name a file gets in Synapse: the wanted one, or that of the local file.

    Raises:
        UsageError: Synapse takes no such name.
    """
    name = wanted if wanted is not None else path.replace("\\", "/").rpartition("/")[2]
    if may_be_valid_file_name(name) and name == name.strip():
        return name
    raise _no_name(name, "file", "give another one with --name, or rename the file")


def check_folder_name(name: str) -> None:
    """Refuse what can be no folder's name, before anything is made.

    Raises:
        UsageError: Synapse takes no such name.
    """
    if not may_be_valid_file_name(name) or name != name.strip():
        raise _no_name(name, "folder", "rename the directory")


def blame_name(name: str, refusal: BadRequest) -> None:
    """Explain the service's refusal where it is about the name: it alone knows whether letters of all scripts will do.

    Raises:
        UsageError: it takes no such name.
    """
    if not is_valid_file_name(name) and "name" in refusal.reason.lower():
        raise _no_name(name, "file or folder", "give another one with --name, or rename it") from refusal


def _no_name(name: str, what: str, way_out: str) -> UsageError:
    return UsageError(
        f"{name!r} is no name for a {what} in Synapse.",
        fix=f"Letters, digits, blanks and , _ . - + ' ( ) are allowed, at most {LONGEST_NAME}; {way_out}.",
    )


def content_type_of(name: str) -> str:
    """The content type that the suffix stands for."""
    return mimetypes.guess_type(name, strict=False)[0] or UNKNOWN_TYPE


def check_size(path: str, size_bytes: int, limits: StoreLimits, destination: UploadDestination) -> None:
    """Refuse what this kind of storage cannot hold, before anything is sent.

    Raises:
        UsageError: the file is empty, or too large.
    """
    if size_bytes < limits.smallest_bytes:
        raise UsageError(
            f"{path} is empty, and Synapse's upload service takes no empty files.",
            fix="Leave it out; or upload to a location that takes one: external S3 with STS and --use-boto-sts.",
        )
    if size_bytes > limits.largest_bytes:
        raise UsageError(
            f"{path} has {size_bytes:,} bytes; storage location {destination.location_id} holds files of at"
            f" most {limits.largest_bytes:,}.",
            fix="Split the file.",
        )


def parts_to_hash(
    limits: StoreLimits, order: UploadOrder, present: FileSnapshot | None, destination: UploadDestination
) -> Callable[[int], int | None] | None:
    """Of which parts of a file the MD5s are worth taking, by its size: of none where it will hardly travel."""
    handle = None if present is None or order.even_if_equal else present.handle
    if limits.part_size_of is None or handle is None or not lies_at(handle, destination.location_id):
        return limits.part_size_of
    part_size_of, likely = limits.part_size_of, handle.size_bytes
    return lambda size_bytes: None if size_bytes == likely else part_size_of(size_bytes)


def is_equal(file: LocalFile, present: FileSnapshot, location_id: StorageLocationId) -> bool:
    """Whether the newest version has this content at this location already."""
    handle = present.handle
    return (
        handle is not None
        and handle.md5 == file.md5
        and handle.size_bytes in {None, file.size_bytes}
        and lies_at(handle, location_id)
    )


def lies_at(handle: FileHandle, location_id: StorageLocationId) -> bool:
    """Whether the handle's bytes are at this storage location."""
    return handle.storage_location_id == location_id


def file_name_of(order: UploadOrder, present: FileSnapshot | None) -> str:
    """The name of the entity and of the file handle: that of the entity when there is one.

    Raises:
        UsageError: Synapse takes no such name.
    """
    return present.name if present is not None else name_of(order.path, order.name)
