"""A multipart copy service with its S3, in memory, by the rules of contract 7.3, 8.1 to 8.7; faults on demand.

One object plays all the roles an engine and the proving step talk to: the four multipart calls, S3, the handle
batch, the look at a storage location and the reader of bytes.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from storage_core.errors import BadRequest, Forbidden, NotFound, ServerFault
from storage_core.model.copies import CopyRequest, PartPlan
from storage_core.model.destinations import LocationFacts, LocationKind, UploadType
from storage_core.model.handles import Association, FileHandle, HandleAnswer, HandleKind, HandleRefusal
from storage_core.model.ids import FileHandleId, StorageLocationId, UploadId
from storage_core.synapse.presigned import PartCopied, S3Refused, S3Trouble
from storage_core.synapse.wire_multipart import MultipartStart, MultipartState, PartAdded, PartNotAdded, PresignedPart
from storage_core.testing.fake_clock import FakeClock
from storage_core.testing.fake_objects import FakeObject, Stretch, composite_etag, cut, joined, md5_of, whole

URL_LIFE = timedelta(minutes=15)
_S3_HANDLE = "org.sagebionetworks.repo.model.file.S3FileHandle"

Fault = BaseException | S3Refused | PartNotAdded
Identity = tuple[Association, StorageLocationId, int, str | None]


@dataclass(slots=True, kw_only=True)
class _Upload:
    """One upload: what it was started with, and how far it is. `sent` is S3's side, `added` the service's."""

    source: FileHandle
    source_etag: str
    plan: PartPlan
    part_count: int
    destination: StorageLocationId
    is_open: bool = True
    sent: dict[int, tuple[tuple[Stretch, ...], str]] = field(default_factory=dict)
    added: dict[int, str] = field(default_factory=dict)
    result: FileHandleId | None = None


class FakeStorage:
    """Synapse and S3 as a copy meets them.

    Attributes:
        journal: every call, in order, by name.
        objects: what lies under each key; tests change it to overwrite or lose a source.
        records: every file handle; its key is its object's.
        downloadable: source handles the caller may read.
        is_associated: whether the object of an association uses its handle, as a fresh start asks.
        owned: storage locations the caller created; the others exist for somebody else.
        opaque: locations whose ETags are no MD5s.
        before, after: called with the number of each call that begins, or was carried out; may raise, as if the
            request, or its answer, had been lost.
    """

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.journal: list[str] = []
        self.objects: dict[str, FakeObject] = {}
        self.records: dict[FileHandleId, FileHandle] = {}
        self.downloadable: set[FileHandleId] = set()
        self.is_associated: Callable[[Association], bool] = lambda _: True
        self.owned: set[StorageLocationId] = set()
        self.opaque: set[StorageLocationId] = set()
        self.before: Callable[[int], None] = lambda _: None
        self.after: Callable[[int], None] = lambda _: None
        self.damaged_parts: set[int] = set()
        self.most_in_s3 = 0
        self._in_s3 = 0
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._uploads: dict[UploadId, _Upload] = {}
        self._attached: dict[Identity, UploadId] = {}
        self._signed: dict[str, tuple[UploadId, int, datetime]] = {}

    # ------------------------------------------------------------------ for tests

    def add_source(self, handle_id: str, *, size_bytes: int, file_name: str = "a.csv") -> FileHandle:
        """Store a new object in location 1 and record it truthfully."""
        key = f"source/{handle_id}"
        stretches = whole(f"content-{handle_id}", size_bytes)
        self.objects[key] = FakeObject(stretches=stretches, etag=md5_of(stretches))
        handle = FileHandle(
            id=FileHandleId(handle_id),
            kind=HandleKind.S3,
            concrete_type=_S3_HANDLE,
            storage_location_id=StorageLocationId(1),
            size_bytes=size_bytes,
            md5=md5_of(stretches),
            file_name=file_name,
            bucket="bucket",
            key=key,
        )
        self.records[handle.id] = handle
        self.downloadable.add(handle.id)
        return handle

    def overwrite(self, handle: FileHandle, content: str) -> None:
        """Put other bytes of the same size under the handle's key, as somebody with access to the bucket may."""
        stretches = whole(content, handle.size_bytes or 0)
        self.objects[handle.key or ""] = FakeObject(stretches=stretches, etag=md5_of(stretches))

    def fail_next(self, call: str, *faults: Fault) -> None:
        """Let the next calls of this name fail, one after the other, before they do anything."""
        self._faults[call].extend(faults)

    def abort_uploads(self) -> None:
        """What a bucket rule does: unfinished uploads vanish from S3, and the service does not know."""
        for upload in self._uploads.values():
            upload.is_open = False

    @property
    def copies(self) -> list[FileHandle]:
        """The handles that copying made."""
        return [handle for handle in self.records.values() if handle.storage_location_id != 1]

    # ------------------------------------------------------------------ the four calls

    async def start_copy(
        self, *, request: CopyRequest, parts: PartPlan, force_restart: bool = False, file_name: str | None = None
    ) -> MultipartStart:
        """Begin, continue, or give the finished result (contract 8.1 to 8.4)."""
        self._begin("start!" if force_restart else "start")
        identity = (request.association, request.destination, parts.part_size_bytes, file_name)
        upload_id = self._attached.get(identity)
        if upload_id is None or force_restart or self._lost_its_object(upload_id):
            upload_id = self._begin_upload(request, parts, file_name)
            self._attached[identity] = upload_id
        self._end()
        return self._state(upload_id)

    async def presign(self, *, upload_id: UploadId, numbers: Sequence[int]) -> tuple[PresignedPart, ...]:
        """Sign; a completed upload is not refused here (contract 8.5)."""
        self._begin("presign")
        upload = self._upload(upload_id)
        if not numbers or not set(numbers) <= set(range(1, upload.part_count + 1)):
            raise _bad("part numbers out of range")
        signed = tuple(self._sign(upload_id, number) for number in numbers)
        self._end()
        return signed

    async def add_part(self, *, upload_id: UploadId, number: int, md5: str) -> PartAdded | PartNotAdded:
        """Take note of a part, unchecked (contract 8.6)."""
        fault = self._begin("add")
        upload = self._upload(upload_id)
        if upload.result is not None:
            raise _bad("the upload is complete")
        if isinstance(fault, PartNotAdded):
            return fault
        upload.added[number] = md5
        self._end()
        return PartAdded(number=number)

    async def complete(self, *, upload_id: UploadId) -> MultipartStart:
        """Join the parts (contract 8.7)."""
        self._begin("complete")
        upload = self._upload(upload_id)
        if upload.result is None:
            self._join(upload)
        self._end()
        return self._state(upload_id)

    # ------------------------------------------------------------------ S3

    async def copy_part(self, url: str, headers: Sequence[tuple[str, str]]) -> PartCopied | S3Refused:
        """Copy a range inside S3, if the URL is fresh and the source is still the one that was signed."""
        self._in_s3 += 1
        self.most_in_s3 = max(self.most_in_s3, self._in_s3)
        try:
            await self.clock.sleep(0)
            return self._copy_part(url, dict(headers))
        finally:
            self._in_s3 -= 1

    def _copy_part(self, url: str, headers: dict[str, str]) -> PartCopied | S3Refused:
        fault = self._begin("s3")
        if isinstance(fault, S3Refused):
            return fault
        upload_id, number, signed_at = self._signed[url]
        upload = self._uploads[upload_id]
        source = self.objects.get(upload.source.key or "")
        trouble = self._s3_trouble(upload, source, headers, signed_at)
        if trouble is not None or source is None:
            return S3Refused(trouble=trouble or S3Trouble.NO_SUCH_OBJECT, detail="S3 said no")
        first, last = (int(end) for end in headers["x-amz-copy-source-range"].removeprefix("bytes=").split("-"))
        stretches = cut(source.stretches, first, last)
        if number in self.damaged_parts:
            stretches = tuple(replace(stretch, content=f"damaged {stretch.content}") for stretch in stretches)
        etag = self._etag(upload.destination, md5_of(stretches))
        upload.sent[number] = (stretches, etag)
        self._end()
        return PartCopied(etag=etag)

    def _s3_trouble(
        self, upload: _Upload, source: FakeObject | None, headers: dict[str, str], signed_at: datetime
    ) -> S3Trouble | None:
        if self.clock.now() - signed_at > URL_LIFE:
            return S3Trouble.EXPIRED
        if not upload.is_open or upload.result is not None:
            return S3Trouble.NO_SUCH_UPLOAD
        if source is None:
            return S3Trouble.NO_SUCH_OBJECT
        if headers["x-amz-copy-source-if-match"].strip('"') != source.etag:
            return S3Trouble.SOURCE_CHANGED
        return None

    # ------------------------------------------------------------------ records and bytes

    async def handles(
        self, associations: Sequence[Association], *, with_urls: bool = False
    ) -> tuple[HandleAnswer, ...]:
        """Answer a handle batch (contract 7.3)."""
        self._begin("handles")
        return tuple(
            HandleAnswer(
                handle_id=one.handle_id,
                handle=self.records[one.handle_id],
                presigned_url=f"fake://read/{one.handle_id}" if with_urls else None,
            )
            if one.handle_id in self.records
            else HandleAnswer(handle_id=one.handle_id, refusal=HandleRefusal.UNAUTHORIZED)
            for one in associations
        )

    async def location(self, location_id: StorageLocationId) -> LocationFacts:
        """A storage location of the caller's own."""
        self._begin("location")
        if location_id not in self.owned:
            raise Forbidden(call="GET /storageLocation/#", status=403, reason="not yours")
        return LocationFacts(id=location_id, kind=LocationKind.EXTERNAL_S3, upload_type=UploadType.S3)

    async def md5_of(self, association: Association) -> str:
        """Read a whole object."""
        self._begin("read")
        handle = self.records[association.handle_id]
        return self.objects[handle.key or ""].md5

    async def etag_at(self, url: str) -> str | None:
        """Look at an object."""
        if self._begin("look") is not None:
            return None
        handle = self.records[FileHandleId(url.rpartition("/")[2])]
        return self.objects[handle.key or ""].etag

    # ------------------------------------------------------------------ inside

    def _begin(self, call: str) -> Fault | None:
        self.journal.append(call)
        self.before(len(self.journal))
        waiting = self._faults[call.rstrip("!")]
        fault = waiting.popleft() if waiting else None
        if isinstance(fault, BaseException):
            raise fault
        return fault

    def _end(self) -> None:
        self.after(len(self.journal))

    def _lost_its_object(self, upload_id: UploadId) -> bool:
        result = self._uploads[upload_id].result
        return result is not None and self.records[result].key not in self.objects

    def _begin_upload(self, request: CopyRequest, parts: PartPlan, file_name: str | None) -> UploadId:
        source = self._check_start(request, file_name)
        held = self.objects.get(source.key or "")
        if held is None:
            raise ServerFault(call="POST /file/multipart", status=502, reason="the source cannot be read")
        upload_id = UploadId(str(1000 + len(self._uploads)))
        self._uploads[upload_id] = _Upload(
            # the result takes the name that was sent, and the source's when none was (contract 8.7)
            source=replace(source, file_name=file_name or source.file_name),
            source_etag=held.etag,
            plan=replace(parts, size_bytes=source.size_bytes or 0),
            part_count=faulty_count(source.size_bytes or 0, parts.part_size_bytes),
            destination=request.destination,
        )
        return upload_id

    def _check_start(self, request: CopyRequest, file_name: str | None) -> FileHandle:
        """Refuse as the service does, in its order."""
        source = self.records.get(request.association.handle_id)
        if source is None:
            raise NotFound(call="POST /file/multipart", status=404, reason="no such handle")
        if source.id not in self.downloadable or not self.is_associated(request.association):
            raise Forbidden(call="POST /file/multipart", status=403, reason="you lack download access")
        if request.destination not in self.owned:
            raise Forbidden(call="POST /file/multipart", status=403, reason="the storage location is not yours")
        if not source.size_bytes or not source.md5 or source.storage_location_id == request.destination:
            raise _bad("the source cannot be copied")
        if "/" in (file_name or source.file_name or ""):
            raise _bad("the file name is not valid")
        return source

    def _upload(self, upload_id: UploadId) -> _Upload:
        if upload_id not in self._uploads:
            raise NotFound(call="PUT /file/multipart/#", status=404, reason="no such upload")
        return self._uploads[upload_id]

    def _sign(self, upload_id: UploadId, number: int) -> PresignedPart:
        upload = self._uploads[upload_id]
        url = f"fake://{upload_id}/{number}/{len(self._signed)}"
        self._signed[url] = (upload_id, number, self.clock.now())
        first = (number - 1) * upload.plan.part_size_bytes
        last = min(number * upload.plan.part_size_bytes, upload.plan.size_bytes) - 1
        return PresignedPart(
            number=number,
            url=url,
            headers=(
                ("x-amz-copy-source-range", f"bytes={first}-{last}"),
                ("x-amz-copy-source-if-match", f'"{upload.source_etag}"'),
            ),
        )

    def _join(self, upload: _Upload) -> None:
        numbers = range(1, upload.part_count + 1)
        if any(number not in upload.added for number in numbers):
            raise _bad("parts are missing")
        if not upload.is_open or any(
            upload.sent.get(number, ((), ""))[1] != upload.added[number] for number in numbers
        ):
            raise _bad("S3: NoSuchUpload or InvalidPart")
        stretches = joined([upload.sent[number][0] for number in numbers])
        new_id = FileHandleId(str(5000 + len(self.records)))
        key = f"copy/{new_id}"
        etag = self._etag(upload.destination, composite_etag([md5_of(upload.sent[number][0]) for number in numbers]))
        self.objects[key] = FakeObject(stretches=stretches, etag=etag)
        # the MD5 is the source's record, whatever was copied; the size is S3's (contract 8.7)
        self.records[new_id] = replace(
            upload.source,
            id=new_id,
            key=key,
            storage_location_id=upload.destination,
            size_bytes=self.objects[key].size_bytes,
        )
        upload.result = new_id

    def _etag(self, location_id: StorageLocationId, etag: str) -> str:
        """What the location's S3 makes of an ETag: where it encrypts with its own keys, 32 other hex digits."""
        return etag[::-1] if location_id in self.opaque else etag

    def _state(self, upload_id: UploadId) -> MultipartStart:
        upload = self._uploads[upload_id]
        is_complete = upload.result is not None
        return MultipartStart(
            upload_id=upload_id,
            state=MultipartState.COMPLETED if is_complete else MultipartState.UPLOADING,
            parts_added=tuple(is_complete or number in upload.added for number in range(1, upload.part_count + 1)),
            result=upload.result,
        )


def faulty_count(size_bytes: int, part_size_bytes: int) -> int:
    """The service's part count: a remainder of 2 GiB or more may be lost in 32 bits (contract 8.1)."""
    remainder = int.from_bytes((size_bytes % part_size_bytes).to_bytes(8, "big")[4:], "big", signed=True)
    return max(1, size_bytes // part_size_bytes + (remainder > 0))


def _bad(reason: str) -> BadRequest:
    return BadRequest(call="POST /file/multipart", status=400, reason=reason)
