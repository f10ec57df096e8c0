"""The seam behind which each kind of storage takes and gives bytes.

One adapter per kind, in `stores`, one file each; `stores.registry` lists them and chooses. Like all network ports they
are asynchronous and called on the one loop that owns the network: whatever blocks (a library's own client, a disk)
goes to a thread.

What an adapter promises:

* memory stays bounded, however large the file;
* nothing is left behind that would be taken for a finished file;
* passing trouble is `TransferBroken`: the caller waits and calls again, a bounded number of times. Whatever the
  adapter's library repeats by itself it has repeated by then;
* what no repeat cures is AccessError (wrong or missing credentials, a host that is not who it should be),
  `TransferFailed` (not there, full, refused), UsageError (a setting is missing), or what Synapse itself answered (see
  `ports`). Messages name the place and never a secret, presigned addresses included.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol, runtime_checkable

from storage_core.model.destinations import LocationFacts
from storage_core.model.entities import EntityHeader, FileSnapshot
from storage_core.model.handles import FileHandle
from storage_core.model.ids import ActivityId, EntityId, StorageLocationId
from storage_core.model.transfers import (
    ContentFacts,
    FileChange,
    FileState,
    LocalEntry,
    LocalFile,
    NewFile,
    ObjectFacts,
    Readable,
    Registrable,
    Stored,
    StoreLimits,
    Stretch,
    Ticket,
    TransferWishes,
    Upload,
    UploadDestination,
    UploadPurpose,
)
from storage_core.model.trees import Annotation, Directory, FileDetails, Provenance, UsedEntity

Moved = Callable[[int], None]
"""Is told how many bytes more went over the line; a negative number takes back what has to travel again."""


def untold(_bytes: int) -> None:
    """For callers who do not want to know."""


class Reading(Protocol):
    """One stretch of bytes on its way up; afterwards `md5` is that of the stretch."""

    @property
    def size_bytes(self) -> int:
        """How many there are."""
        ...

    @property
    def md5(self) -> str:
        """Of everything read so far."""
        ...

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """The bytes, in order, in chunks of 1 MiB at most. SourceChanged when they end early."""
        ...

    def take_back(self) -> None:
        """Say that what was sent has to travel again."""
        ...


class Content(Protocol):
    """Bytes that are to be stored, wherever they come from."""

    def reading(self, first_byte: int, size_bytes: int, told: Moved = untold) -> Reading:
        """A stretch of it; *told* hears of each chunk that was taken. May be asked for again."""
        ...

    async def require_unchanged(self) -> None:
        """SourceChanged when what was read is not what was announced, as far as can be told."""
        ...


class ByteStore(Protocol):
    """One kind of place that takes and gives bytes."""

    @property
    def limits(self) -> StoreLimits:
        """What this kind can do."""
        ...

    async def put(self, upload: Upload, moved: Moved = untold) -> Stored:
        """Store the file; return what its file handle needs, or the handle where Synapse makes it.

        Afterwards the place holds exactly `file.size_bytes` bytes with `file.md5`, as far as it can tell: every check
        the place offers was made. A repeat of the same upload (same ticket) goes on from what is there, or begins
        again, and leaves one object, not two.

        Raises:
            TransferBroken, TransferFailed, AccessError, UsageError: see above.
            SourceChanged: the file is not what was hashed.
        """
        ...

    def read(
        self, readable: Readable, *, first_byte: int = 0, last_byte: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The stored bytes from *first_byte* to *last_byte* (inclusive; None: to the end), in chunks of about 1 MiB.

        As they are stored: nothing decompresses them. Ends early only with an error; what came before it is good.
        `limits.reads_ranges` says whether anything but the whole may be asked for. To be closed (`aclosing`) when
        it is not read to its end. Checks no MD5 of the whole: the caller sees all parts.
        """
        ...

    async def stat(self, readable: Readable) -> ObjectFacts:
        """Size, and MD5 where the place is sure of it, without reading the bytes.

        Raises:
            TransferFailed: nothing is there.
        """
        ...

    async def aclose(self) -> None:
        """End connections. The store is not used afterwards."""
        ...


@runtime_checkable
class StreamStore(ByteStore, Protocol):
    """A store that takes bytes that are in no file of this machine.

    Stretches are asked for in order, one after the other, and each is read to its end before the next is asked for.
    One that did not arrive may be asked for once more.
    """

    async def pour(self, upload: Upload, content: Content, moved: Moved = untold) -> Stored:
        """Like `put`, with *content* instead of the file; of `upload.file` size, MD5 and a name for messages count.

        `content.require_unchanged` is asked before the object becomes visible. What an earlier try finished is met
        without reading *content*.
        """
        ...

    async def discard(self, upload: Upload) -> None:
        """Remove what `pour` has made or begun of this upload, so that a repeat makes it anew."""
        ...


class StoreChoice(Protocol):
    """Finds the store for a place; opens each at most once. `stores.registry.Stores` does."""

    def for_upload(self, destination: UploadDestination, wishes: TransferWishes) -> ByteStore:
        """The store that uploads there.

        Raises:
            UsageError: uploads to this kind of location do not exist; it says what to do instead.
        """
        ...

    def for_download(self, handle: FileHandle, facts: LocationFacts | None, wishes: TransferWishes) -> ByteStore:
        """The store that reads what this handle stands for; *facts* of its location where they are known.

        Raises:
            UsageError: handles of this class cannot be read by us.
        """
        ...


class StreamStoreChoice(Protocol):
    """Finds the store that takes streams; `stores.registry.Stores` does."""

    def for_stream(self, destination: UploadDestination) -> StreamStore:
        """The store that takes bytes there which are in no file of this machine.

        Raises:
            UsageError: no kind of storage does that for such a location.
        """
        ...


class OwnLogins(Protocol):
    """Tries what the user's own login opens, before anything is begun."""

    async def sign_in(self) -> None:
        """Look at the destination, where it asks for a login of its own; changes nothing there.

        Raises:
            AccessError: there is no login, or it is refused, or the place is not who it should be.
            TransferFailed: the place is not there, or does not answer.
        """
        ...


class Files(Protocol):
    """File entities as a transfer sees them. One call per method; for errors see `ports`."""

    async def destination(self, entity_id: EntityId, location_id: StorageLocationId | None) -> UploadDestination:
        """Where an upload to the container goes: its default location, or the given one. BadRequest for a proxy."""
        ...

    async def child_named(self, name: str, parent_id: EntityId) -> EntityId | None:
        """The child of that name, of whatever kind."""
        ...

    async def file(self, entity_id: EntityId, *, version: int | None = None) -> FileSnapshot:
        """One version of a file with its handle."""
        ...

    async def details(self, entity_id: EntityId) -> FileDetails:
        """The newest version of a file with its handle, annotations and provenance."""
        ...

    async def create_file(self, new: NewFile) -> FileState:
        """Make a file entity. Conflict when the name is taken; AnswerLost."""
        ...

    async def change_file(self, change: FileChange) -> FileState:
        """Add a version with other content, or change the newest. PreconditionFailed when somebody was faster.

        AnswerLost: read again, then decide.
        """
        ...

    async def annotate(self, entity_id: EntityId, etag: str, annotations: Sequence[Annotation]) -> None:
        """Give the newest version these annotations and no others. PreconditionFailed, AnswerLost as before."""
        ...

    async def create_activity(self, provenance: Provenance) -> ActivityId:
        """Describe how something came about, for one or more versions to refer to."""
        ...

    async def attach_activity(self, entity_id: EntityId, activity_id: ActivityId) -> None:
        """Say that the newest version came about that way."""
        ...

    async def seen(self, references: Sequence[UsedEntity]) -> tuple[EntityHeader, ...]:
        """Headers of those entities and versions that are there and may be seen. One call per 1,000."""
        ...


class Receiving(Protocol):
    """A file on its way in, under a name of its own until it is whole. Survives a kill: opened again, it goes on."""

    @property
    def missing(self) -> tuple[Stretch, ...]:
        """What is not here yet, in pieces of at most one block, in order."""
        ...

    async def take(self, first_byte: int, chunks: AsyncGenerator[bytes, None], told: Moved = untold) -> int:
        """Write what comes from *first_byte* on, until it ends or fails; return how many bytes that were.

        Raises:
            TransferFailed: the disk is full, or more comes than the file has.
        """
        ...

    async def md5(self) -> str:
        """Of the whole; waits until nothing is missing, and reads along meanwhile."""
        ...

    async def publish(self, path: str, *, replace: bool) -> bool:
        """Give it its name, at once and whole; False when there is another file of that name and it may not go."""
        ...

    async def discard(self) -> None:
        """Remove it."""
        ...

    async def close(self) -> None:
        """Stop working on it. What was not published can be gone on with."""
        ...


class LocalFiles(Protocol):
    """Files of this machine."""

    async def receive(self, folder: str, mark: str, size_bytes: int) -> Receiving:
        """Begin to receive a file into *folder*, or go on: *mark* is the same for the same bytes.

        Raises:
            UsageError: the folder cannot be made or written to.
            TransferFailed: there is not enough room; another process is receiving this very file.
        """
        ...

    async def entry(self, path: str) -> LocalEntry:
        """What is at *path*."""
        ...

    async def full_path(self, path: str) -> str:
        """The absolute form of a path; ``~`` is the user's home, other paths begin in the current directory."""
        ...

    async def read_text(self, path: str) -> str:
        """A text file's content (UTF-8, a byte order mark is dropped).

        Raises:
            UsageError: it is not there, not readable, or no such text.
        """
        ...

    async def directory(self, path: str) -> Directory:
        """What is directly in a directory; our own unfinished downloads and manifests are left out.

        Raises:
            UsageError: it is none, or cannot be read.
        """
        ...

    async def make_directory(self, path: str) -> None:
        """Make it, and those above it, where they are missing.

        Raises:
            UsageError, TransferFailed: it cannot be made.
        """
        ...

    async def write_text(self, path: str, text: str) -> None:
        """Put a text file there, whole or not at all; its directory is made when it is missing.

        Raises:
            UsageError, TransferFailed: it cannot be written.
        """
        ...

    async def measure(self, path: str, cut: Callable[[int], int | None] | None = None) -> LocalFile:
        """Read a file to its end, for size and MD5; with the MD5s of parts of the size that *cut* says for its size.

        Raises:
            UsageError: it is not there, not readable, or no ordinary file.
            SourceChanged: somebody writes to it at this moment.
        """
        ...


class Tickets(Protocol):
    """Remembers uploads that were begun, across processes, until they are settled. Blocks for a moment only."""

    def ticket(self, purpose: UploadPurpose, destination: UploadDestination) -> Ticket:
        """The ticket of an earlier, unsettled try of the same, with the destination that one had.

        Otherwise a new one for *destination*, remembered before it is given.
        """
        ...

    def settled(self, purpose: UploadPurpose) -> None:
        """Forget it: Synapse refers to what was stored."""
        ...


class TransferWatch(Protocol):
    """Is told how files come along. Called on the network loop; must not block."""

    def began(self, path: str, size_bytes: int) -> None:
        """A file's bytes begin to move."""
        ...

    def moved(self, path: str, count: int) -> None:
        """That many bytes more; negative ones have to travel again."""
        ...

    def ended(self, path: str) -> None:
        """The file is done with, one way or the other."""
        ...


class Registrar(Protocol):
    """Makes file handles for bytes that are in their place."""

    async def register(self, registrable: Registrable, facts: ContentFacts) -> FileHandle:
        """Make a handle. One call; every call makes another one. Nothing is compared with the bytes (contract 7.6).

        Forbidden when the location is somebody else's and its type asks for the creator.
        """
        ...
