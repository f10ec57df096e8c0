"""Moves files to and from Google Cloud buckets with credentials of the user's own.

Uploads are Google's resumable ones: a broken line, or a kill, costs what was not confirmed. Only its address leads
back to such an upload, so that is kept beside the upload's ticket until the object is there. An upload that Google has
forgotten (after a week) begins anew; what an abandoned one leaves behind is no object.
"""

import asyncio
import base64
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from google.auth.transport.requests import AuthorizedSession
from google.cloud.storage import Blob, Bucket, Client

from storage_core.config import Config
from storage_core.errors import SourceChanged, TransferBroken, TransferFailed, UsageError
from storage_core.local_files.reading import require_unchanged
from storage_core.local_files.upload_sessions import SessionFolder
from storage_core.model.transfers import GoogleCloudObject, LocalFile, ObjectFacts, Readable, StoreLimits, Upload
from storage_core.ports.transfers import Moved, untold
from storage_core.stores.google_refusals import GoogleRefusedError, credentials_for, require_answer, translated

T = TypeVar("T")

_THREADS: Final = 8
_RANGES_AT_ONCE: Final = 4
_PIECE: Final = 8 << 20
"""Google wants multiples of 256 KiB."""
_CHUNK: Final = 1 << 20
_READ_AT_ONCE: Final = 4 << 20
_SILENT_SECONDS: Final = 120
_UNFINISHED: Final = 308
_SESSION_GONE = frozenset({404, 410})


class GoogleCloudStore:
    """Implements `ports.transfers.ByteStore`. No Synapse call of its own."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="google-cloud")
        self._opening = asyncio.Lock()
        self._client: Any = None
        self._session: AuthorizedSession | None = None
        self._uploads = SessionFolder(
            config.state_folder / "uploads", place=f"google-cloud {config.google_endpoint or 'itself'}"
        )

    @property
    def limits(self) -> StoreLimits:
        """Google's own."""
        return StoreLimits(ranges_at_once=_RANGES_AT_ONCE)

    async def put(self, upload: Upload, moved: Moved = untold) -> GoogleCloudObject:
        """Store under ``base key/ticket/file name``. Google compares the MD5 before it makes the object."""
        to = upload.destination
        if not to.bucket:
            raise UsageError("The storage location has no bucket.", fix="Look at it with `location get`.")
        key = "/".join(filter(None, (to.base_key, upload.ticket, upload.file_name)))
        await require_unchanged(upload.file)
        bucket = await self._bucket(to.bucket)
        with translated(to.bucket, key, f"store {upload.file.path}"):
            present = await self._on_thread(_looked_up, bucket, key)
            if present is None:
                await self._send(bucket.blob(key), upload, moved)
                present = await self._on_thread(_looked_up, bucket, key)
            else:
                # keys are used once: finished before somebody was killed
                moved(upload.file.size_bytes)
            self._uploads.forget(upload.ticket)
        _require_same(present, upload.file, to.bucket)
        return GoogleCloudObject(location_id=to.location_id, bucket=to.bucket, key=key)

    async def read(
        self, readable: Readable, *, first_byte: int = 0, last_byte: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Read in windows, all of the same generation of the object."""
        blob = await self._blob(readable)
        with translated(readable.handle.bucket, readable.handle.key, "read it"):
            await self._on_thread(_looked_at, blob)
            size, generation = int(blob.size or 0), blob.generation
            end = size if last_byte is None else min(size, last_byte + 1)
            for begin in range(first_byte, end, _READ_AT_ONCE):
                stop = min(end, begin + _READ_AT_ONCE)
                window = await self._on_thread(_window, blob, begin, stop, generation)
                if len(window) != stop - begin:
                    raise TransferBroken(f"{blob.name} ended early.", fix="Run the same command again.")
                for at in range(0, len(window), _CHUNK):
                    yield window[at : at + _CHUNK]

    async def stat(self, readable: Readable) -> ObjectFacts:
        """Size and MD5; objects that were composed have none."""
        blob = await self._blob(readable)
        with translated(readable.handle.bucket, readable.handle.key, "look at it"):
            await self._on_thread(_looked_at, blob)
        return ObjectFacts(size_bytes=int(blob.size or 0), md5=_hex(blob.md5_hash))

    async def aclose(self) -> None:
        """Close the connections and let the threads go."""
        if self._client is not None:
            self._client.close()
        if self._session is not None:
            self._session.close()  # type: ignore[no-untyped-call]
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _send(self, blob: Blob, upload: Upload, moved: Moved) -> None:
        """Go on with the session of this ticket if Google still knows it."""
        file = upload.file
        address, sent = await self._session_of(blob, upload)
        moved(sent)
        while True:
            # an empty file is one empty piece
            stop = min(file.size_bytes, sent + _PIECE)
            try:
                at = await self._on_thread(self._piece, address, file, sent, stop)
            except GoogleRefusedError as error:
                if error.status not in _SESSION_GONE:
                    raise
                self._uploads.forget(upload.ticket)
                raise TransferBroken(
                    f"Google has forgotten the upload of {file.path}.", fix="Run the same command again."
                ) from error
            moved(at - sent)
            sent = at
            if sent >= file.size_bytes:
                break
        await require_unchanged(file)

    async def _session_of(self, blob: Blob, upload: Upload) -> tuple[str, int]:
        """Where to send, and how much Google has already."""
        address = self._uploads.recall(upload.ticket)
        if address is not None:
            confirmed = await self._on_thread(self._confirmed, address, upload.file.size_bytes)
            if confirmed is not None:
                return address, confirmed
        address = await self._on_thread(_begun, blob, upload)
        self._uploads.remember(upload.ticket, address)
        return address, 0

    def _piece(self, address: str, file: LocalFile, begin: int, end: int) -> int:
        """Send one piece; how many bytes Google has afterwards."""
        with Path(file.path).open("rb", buffering=0) as opened:
            opened.seek(begin)
            content = opened.read(end - begin)
        if len(content) != end - begin:
            raise SourceChanged(f"{file.path} changed while it was read.", fix="Run again when it is at rest.")
        covered = f"{begin}-{end - 1}" if content else "*"
        answer = self._http().put(
            address,
            data=content,
            headers={"Content-Range": f"bytes {covered}/{file.size_bytes}"},
            timeout=_SILENT_SECONDS,
        )
        if answer.status_code == _UNFINISHED:
            return _have(answer.headers)
        require_answer(answer.status_code, answer.text)
        return file.size_bytes

    def _confirmed(self, address: str, size_bytes: int) -> int | None:
        """Ask how much of a broken upload arrived; None when nobody knows it any more."""
        answer = self._http().put(
            address, headers={"Content-Range": f"bytes */{size_bytes}", "Content-Length": "0"}, timeout=_SILENT_SECONDS
        )
        if answer.status_code in _SESSION_GONE:
            return None
        if answer.status_code == _UNFINISHED:
            return _have(answer.headers)
        require_answer(answer.status_code, answer.text)
        return size_bytes

    async def _blob(self, readable: Readable) -> Blob:
        bucket = await self._bucket(readable.handle.bucket or "")
        return bucket.blob(readable.handle.key or "")

    async def _bucket(self, name: str) -> Bucket:
        async with self._opening:
            if self._client is None:
                self._client = await self._on_thread(self._connect)
            bucket: Bucket = self._client.bucket(name)
        return bucket

    def _connect(self) -> Client:
        credentials = credentials_for(self._config.google_endpoint)
        self._session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
        endpoint = self._config.google_endpoint
        options = {"api_endpoint": endpoint} if endpoint else None
        # no call of ours belongs to a project, but the library wants to hear of one
        return Client(project="none", credentials=credentials, client_options=options)

    def _http(self) -> AuthorizedSession:
        if self._session is None:
            raise RuntimeError("the client is opened first")
        return self._session

    async def _on_thread(self, work: Callable[..., T], *facts: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *facts)


# the caller repeats what may work later, so the library repeats nothing by itself


def _looked_up(bucket: Bucket, key: str) -> Blob | None:
    return bucket.get_blob(key, retry=None, timeout=_SILENT_SECONDS)


def _looked_at(blob: Blob) -> None:
    blob.reload(retry=None, timeout=_SILENT_SECONDS)


def _begun(blob: Blob, upload: Upload) -> str:
    # in the description of the object Google takes it for a promise, and refuses other bytes
    blob.md5_hash = base64.b64encode(bytes.fromhex(upload.file.md5)).decode()
    address: str = blob.create_resumable_upload_session(
        content_type=upload.content_type,
        size=upload.file.size_bytes,
        if_generation_match=0,
        timeout=_SILENT_SECONDS,
        retry=None,
    )
    return address


def _window(blob: Blob, begin: int, stop: int, generation: int | None) -> bytes:
    content: bytes = blob.download_as_bytes(
        start=begin,
        end=stop - 1,
        # as they are stored: the library would unpack what is marked as packed
        raw_download=True,
        checksum=None,
        if_generation_match=generation,
        retry=None,
        timeout=_SILENT_SECONDS,
    )
    return content


def _have(headers: Any) -> int:
    last = str(headers.get("Range", "")).rpartition("-")[2]
    return int(last) + 1 if last.isdecimal() else 0


def _hex(md5_hash: str | None) -> str | None:
    return base64.b64decode(md5_hash).hex() if md5_hash else None


def _require_same(blob: Blob | None, file: LocalFile, bucket: str) -> None:
    if blob is None or blob.size != file.size_bytes or _hex(blob.md5_hash) not in {None, file.md5}:
        kept = "nothing" if blob is None else f"{blob.size} bytes with MD5 {_hex(blob.md5_hash)}"
        raise TransferFailed(
            f"Bucket {bucket} has {kept} where {file.path} was stored.", fix="Run the same command again."
        )
