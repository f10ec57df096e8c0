"""Local files to objects and back, with the keys of one client; resumable, in bounded memory.

Everything is sent with its MD5, which every S3 checks, the old ones too. The newer checksums are not: many
S3-compatible stores refuse them.
"""

import asyncio
import base64
import hashlib
import io
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar, cast

from botocore.exceptions import ClientError

from storage_core.aws.file_refusals import Place, code_of, translated
from storage_core.errors import SourceChanged, TransferBroken
from storage_core.model.transfers import LocalFile
from storage_core.ports.transfers import Content, Moved

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

T = TypeVar("T")

_CHUNK: Final = 1 << 20
SMALLEST_PART: Final = 16 << 20
MOST_PARTS: Final = 9_500
LARGEST_OBJECT: Final = 5 << 40
_PARTS_AT_ONCE: Final = 4
_ACL: Final = "bucket-owner-full-control"
_NO_ACLS = frozenset(
    {"AccessControlListNotSupported", "InvalidArgument", "MalformedACLError", "NotImplemented", "UnsupportedArgument"}
)
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})


@dataclass(frozen=True, slots=True)
class _Part:
    number: int
    first_byte: int
    size_bytes: int


class FileObjects:
    """One bucket through one client. Borrows the threads; all methods run on the network loop."""

    def __init__(self, client: "S3Client", bucket: str, *, server: str, threads: ThreadPoolExecutor) -> None:
        self._client = client
        self._bucket = bucket
        self._server = server
        self._threads = threads
        # some stores know no ACLs; the first refusal is believed
        self._acl: dict[str, Any] = {"ACL": _ACL}

    async def put(self, key: str, file: LocalFile, content_type: str, moved: Moved) -> None:
        """Store the file as one object. An upload of the same key that was broken goes on with its missing parts."""
        with translated(self._place(key), f"store {file.path}"):
            if file.size_bytes <= SMALLEST_PART:
                await self._on_thread(lambda: self._put_whole(key, file, content_type))
                moved(file.size_bytes)
            else:
                await self._put_parts(key, file, content_type, moved)

    async def pour(self, key: str, file: LocalFile, content: Content, content_type: str, moved: Moved) -> None:
        """The same with bytes that can only be read in order. A part waits until it is whole, the next one meanwhile.

        Two parts at most are held; on disk, where they are larger than usual. What is at the key already is replaced,
        but for a large object of the right size, which an earlier try has finished.
        """
        with translated(self._place(key), f"store {file.path}"):
            if file.size_bytes <= SMALLEST_PART:
                part = await _gathered(content, _Part(1, 0, file.size_bytes), moved)
                with part.held:
                    await content.require_unchanged()
                    await self._on_thread(lambda: self._put_held(key, part, content_type))
            else:
                await self._pour_parts(key, file, content, content_type, moved)

    async def discard(self, key: str) -> None:
        """Leave nothing at this key: no object, and no upload under way."""
        with translated(self._place(key), "remove it"):
            upload_id = await self._on_thread(lambda: self._open_upload(key))
            if upload_id is not None:
                await self._on_thread(lambda: self._abort(key, upload_id))
            await self._on_thread(lambda: self._client.delete_object(Bucket=self._bucket, Key=key))

    async def read(self, key: str, first_byte: int, last_byte: int | None) -> AsyncGenerator[bytes, None]:
        """The stored bytes, inclusive bounds, in chunks of 1 MiB."""
        wanted: dict[str, Any] = {}
        if first_byte or last_byte is not None:
            wanted["Range"] = f"bytes={first_byte}-{'' if last_byte is None else last_byte}"
        with translated(self._place(key), "read it"):
            answer = await self._on_thread(lambda: self._client.get_object(Bucket=self._bucket, Key=key, **wanted))
            body = answer["Body"]
            try:
                while chunk := await self._on_thread(lambda: body.read(_CHUNK)):
                    yield chunk
            finally:
                body.close()

    async def size_of(self, key: str) -> int:
        """How large the object is."""
        with translated(self._place(key), "look at it"):
            head = await self._on_thread(lambda: self._client.head_object(Bucket=self._bucket, Key=key))
        return int(head["ContentLength"])

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _place(self, key: str) -> Place:
        return Place(server=self._server, bucket=self._bucket, key=key)

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _put_whole(self, key: str, file: LocalFile, content_type: str) -> None:
        content = Path(file.path).read_bytes()
        md5 = hashlib.md5(content, usedforsecurity=False)
        if md5.hexdigest() != file.md5:
            raise _changed(file)
        digest = base64.b64encode(md5.digest()).decode()
        self._with_acl(
            lambda acl: self._client.put_object(
                Bucket=self._bucket, Key=key, Body=content, ContentType=content_type, ContentMD5=digest, **acl
            )
        )

    async def _put_parts(self, key: str, file: LocalFile, content_type: str, moved: Moved) -> None:
        upload_id = await self._begun(key, file, content_type, moved)
        if upload_id is None:
            return
        present = await self._on_thread(lambda: self._parts_there(key, upload_id))
        etags = await self._send_parts(key, upload_id, file, present, moved)
        await self._on_thread(lambda: _require_unchanged(file))
        await self._join(key, upload_id, etags, file)

    async def _begun(self, key: str, file: LocalFile, content_type: str, moved: Moved) -> str | None:
        """The upload to go on with, or a new one; None when it was finished before somebody was killed."""
        upload_id = await self._on_thread(lambda: self._open_upload(key))
        if upload_id is not None:
            return upload_id
        if await self._on_thread(lambda: self._size_if_there(key)) == file.size_bytes:
            # keys are used once
            moved(file.size_bytes)
            return None
        return await self._on_thread(lambda: self._create_upload(key, content_type))

    async def _join(self, key: str, upload_id: str, etags: dict[int, str], file: LocalFile) -> None:
        listed: Any = [{"PartNumber": number, "ETag": etag} for number, etag in sorted(etags.items())]
        await self._on_thread(
            lambda: self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed}
            )
        )
        there = await self._on_thread(lambda: self._size_if_there(key))
        if there != file.size_bytes:
            raise TransferBroken(
                f"{self._server} kept {there} of {file.size_bytes} bytes.", fix="Run the same command again."
            )

    async def _send_parts(
        self, key: str, upload_id: str, file: LocalFile, present: dict[int, str], moved: Moved
    ) -> dict[int, str]:
        """Send what is missing, a few parts at once; the first failure ends it when the others have."""
        slots = asyncio.Semaphore(_PARTS_AT_ONCE)

        async def bring(part: _Part) -> tuple[int, str]:
            async with slots:
                etag = await self._on_thread(lambda: self._send_part(key, upload_id, file, part, present))
            moved(part.size_bytes)
            return part.number, etag

        tasks = [asyncio.create_task(bring(part)) for part in parts_of(file.size_bytes)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        failed = [one for one in outcomes if isinstance(one, BaseException)]
        for error in sorted(failed, key=lambda one: isinstance(one, asyncio.CancelledError)):
            raise error
        return dict(one for one in outcomes if not isinstance(one, BaseException))

    def _send_part(self, key: str, upload_id: str, file: LocalFile, part: _Part, present: dict[int, str]) -> str:
        md5 = _md5_of(file, part)
        if present.get(part.number) == md5.hexdigest():
            return present[part.number]
        with Path(file.path).open("rb", buffering=0) as opened:
            answer = self._client.upload_part(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload_id,
                PartNumber=part.number,
                Body=cast("IO[bytes]", _Slice(opened, part)),
                ContentLength=part.size_bytes,
                ContentMD5=base64.b64encode(md5.digest()).decode(),
            )
        return answer["ETag"].strip('"')

    async def _pour_parts(self, key: str, file: LocalFile, content: Content, content_type: str, moved: Moved) -> None:
        upload_id = await self._begun(key, file, content_type, moved)
        if upload_id is None:
            return
        present = await self._on_thread(lambda: self._parts_there(key, upload_id))
        etags: dict[int, str] = {}
        sending: asyncio.Task[str] | None = None
        try:
            for part in parts_of(file.size_bytes):
                held = await _gathered(content, part, moved)
                try:
                    if sending is not None:
                        etags[part.number - 1] = await sending
                except BaseException:  # nothing is swallowed: it is cleaned up and raised again
                    held.held.close()
                    raise
                sending = asyncio.create_task(self._send_held(key, upload_id, held, present))
            if sending is not None:
                etags[len(etags) + 1] = await sending
            await content.require_unchanged()
        except SourceChanged:
            await self._on_thread(lambda: self._abort(key, upload_id))
            raise
        finally:
            if sending is not None:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
        await self._join(key, upload_id, etags, file)

    async def _send_held(self, key: str, upload_id: str, part: "_Held", present: dict[int, str]) -> str:
        with part.held:
            known = present.get(part.part.number)
            if known == part.md5.hexdigest():
                return known
            answer = await self._on_thread(
                lambda: self._client.upload_part(
                    Bucket=self._bucket,
                    Key=key,
                    UploadId=upload_id,
                    PartNumber=part.part.number,
                    Body=part.held,
                    ContentLength=part.part.size_bytes,
                    ContentMD5=part.digest,
                )
            )
            return answer["ETag"].strip('"')

    def _put_held(self, key: str, part: "_Held", content_type: str) -> None:
        def send(acl: dict[str, Any]) -> None:
            part.held.seek(0)
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=part.held, ContentType=content_type, ContentMD5=part.digest, **acl
            )

        self._with_acl(send)

    def _abort(self, key: str, upload_id: str) -> None:
        self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)

    def _open_upload(self, key: str) -> str | None:
        found = self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=key).get("Uploads", [])
        return next((one["UploadId"] for one in found if one["Key"] == key), None)

    def _create_upload(self, key: str, content_type: str) -> str:
        answer = self._with_acl(
            lambda acl: self._client.create_multipart_upload(
                Bucket=self._bucket, Key=key, ContentType=content_type, **acl
            )
        )
        return str(answer["UploadId"])

    def _parts_there(self, key: str, upload_id: str) -> dict[int, str]:
        pages = self._client.get_paginator("list_parts").paginate(Bucket=self._bucket, Key=key, UploadId=upload_id)
        return {part["PartNumber"]: part["ETag"].strip('"') for page in pages for part in page.get("Parts", [])}

    def _size_if_there(self, key: str) -> int | None:
        try:
            return int(self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"])
        except ClientError as error:
            if code_of(error) in _ABSENT:
                return None
            raise

    def _with_acl(self, send: Callable[[dict[str, Any]], Any]) -> Any:
        try:
            return send(self._acl)
        except ClientError as error:
            if not self._acl or code_of(error) not in _NO_ACLS:
                raise
        self._acl = {}
        return send(self._acl)


def parts_of(size_bytes: int) -> list[_Part]:
    """Cut a file into the parts that it always has, whoever goes on with it."""
    fair = -(-size_bytes // MOST_PARTS)
    # in whole MiB, and never more parts than a store takes
    step = max(SMALLEST_PART, -(-fair // _CHUNK) * _CHUNK)
    return [
        _Part(number, first, min(step, size_bytes - first))
        for number, first in enumerate(range(0, size_bytes, step), start=1)
    ]


@dataclass(frozen=True, slots=True)
class _Held:
    """A part that was read whole, at its beginning; to be closed."""

    part: _Part
    held: "SpooledTemporaryFile[bytes]"
    md5: "hashlib._Hash"

    @property
    def digest(self) -> str:
        """What S3 compares it with."""
        return base64.b64encode(self.md5.digest()).decode()


async def _gathered(content: Content, part: _Part, moved: Moved) -> _Held:
    held: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(SMALLEST_PART)  # noqa: SIM115 - closed by who sends it
    md5 = hashlib.md5(usedforsecurity=False)
    try:
        async with aclosing(content.reading(part.first_byte, part.size_bytes, moved).chunks()) as chunks:
            async for chunk in chunks:
                await asyncio.to_thread(_take, held, md5, chunk)
        held.seek(0)
    except BaseException:  # nothing is swallowed: it is cleaned up and raised again
        held.close()
        raise
    return _Held(part, held, md5)


def _take(held: "SpooledTemporaryFile[bytes]", md5: "hashlib._Hash", chunk: bytes) -> None:
    held.write(chunk)
    md5.update(chunk)


class _Slice(io.RawIOBase):
    """A part of a file as a file, which the library may read twice."""

    def __init__(self, opened: io.FileIO, part: _Part) -> None:
        super().__init__()
        self._opened = opened
        self._part = part
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def __len__(self) -> int:
        return self._part.size_bytes

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._part.size_bytes}[whence] + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = self._part.size_bytes - self._at
        self._opened.seek(self._part.first_byte + self._at)
        content = self._opened.read(left if size < 0 else min(size, left)) or b""
        self._at += len(content)
        return content


def _md5_of(file: LocalFile, part: _Part) -> "hashlib._Hash":
    md5 = hashlib.md5(usedforsecurity=False)
    with Path(file.path).open("rb", buffering=0) as opened:
        content = _Slice(opened, part)
        while chunk := content.read(_CHUNK):
            md5.update(chunk)
    return md5


def _require_unchanged(file: LocalFile) -> None:
    now = Path(file.path).stat()
    if (now.st_size, now.st_mtime_ns) != (file.size_bytes, file.modified_ns):
        raise _changed(file)


def _changed(file: LocalFile) -> SourceChanged:
    return SourceChanged(f"{file.path} changed while it was read.", fix="Run again when nobody writes to it.")
