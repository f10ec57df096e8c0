"""What the engine `s3` needs of S3 and of the service; `aws.objects` and `synapse.endpoints` provide it."""

from typing import Protocol

from storage_core.aws.objects import Cut, Look, ObjectFacts, ObjectName, StoredPart, Upload
from storage_core.model.copies import PartRange
from storage_core.model.handles import FileHandle
from storage_core.model.ids import StorageLocationId


class ObjectCalls(Protocol):
    """Requests with the user's own keys. Each may be repeated, and raises ObjectRefused."""

    async def head(self, name: ObjectName) -> ObjectFacts:
        """Size, ETag and checksum."""
        ...

    async def cut(self, name: ObjectName) -> Cut | None:
        """How an object was made, if the store says."""
        ...

    async def copy(
        self, source: ObjectName, target: ObjectName, *, etag: str, look: Look, algorithm: str | None
    ) -> str:
        """Copy in one piece if the source still has this ETag; the new ETag."""
        ...

    async def begin(self, target: ObjectName, *, look: Look, algorithm: str | None) -> Upload:
        """Begin a multipart upload."""
        ...

    async def copy_part(self, upload: Upload, source: ObjectName, part: PartRange, *, etag: str) -> str:
        """Copy a range if the source still has this ETag; the part's ETag."""
        ...

    async def complete(self, upload: Upload, etags: tuple[str, ...]) -> None:
        """Join all parts."""
        ...

    async def abort(self, upload: Upload) -> None:
        """Forget an upload."""
        ...

    async def uploads(self, target: ObjectName) -> tuple[Upload, ...]:
        """Uploads to exactly this key that are under way, oldest first."""
        ...

    async def parts(self, upload: Upload) -> tuple[StoredPart, ...]:
        """What S3 has of an upload."""
        ...

    async def delete(self, name: ObjectName) -> None:
        """Delete an object."""
        ...


class Registrar(Protocol):
    """Makes file handles of objects that are there; `synapse.endpoints.file_handles.FileHandles` does."""

    async def register_s3(
        self,
        *,
        location_id: StorageLocationId,
        bucket: str,
        key: str,
        source: FileHandle,
        is_repeat: bool = False,
    ) -> FileHandle:
        """One call; not idempotent (contract 7.6). AnswerLost, with *is_repeat* ServerFault: it may have been made."""
        ...
