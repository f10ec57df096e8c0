"""Who makes copies, and what must be known of them: engines, own keys, objects."""

from typing import Protocol

from storage_core.model.copies import Copied, CopyFailed, CopyRequest
from storage_core.model.engines import KeyCheck
from storage_core.model.handles import Association, FileHandle


class CopyEngine(Protocol):
    """Moves the bytes of one handle; expected trouble comes back as a value."""

    async def copy(self, request: CopyRequest) -> Copied | CopyFailed:
        """Copy once. Repeating a request after a crash gives the same new handle, not a second object."""
        ...

    async def disown(self, request: CopyRequest) -> None:
        """Make sure that no repeat of the request, by whomever, is answered with the copy made so far: it is bad."""
        ...


class OwnKeys(Protocol):
    """What the user's own keys reach, tried without leaving anything behind."""

    async def may_write(self) -> KeyCheck:
        """Whether they may put objects where the copies of this migration go."""
        ...

    async def may_read(self, sample: FileHandle) -> KeyCheck:
        """Whether they see this handle's object, and it is the one that Synapse means."""
        ...


class ObjectReader(Protocol):
    """Reads stored bytes for the proof rung `reread`."""

    async def md5_of(self, association: Association) -> str:
        """Hash the whole object behind a handle; lower-case hex. One Synapse call, and the bytes."""
        ...

    async def etag_at(self, url: str) -> str | None:
        """The ETag of the object behind a fresh presigned address, unquoted; None when S3 does not tell it.

        No Synapse call, and no more than one byte of the object.
        """
        ...
