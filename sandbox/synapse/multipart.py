"""Multipart uploads and copies as the service remembers them: one record per user and request (contract 8)."""

import contextlib
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.objects.records import Part
from sandbox.objects.refusals import S3Refusal
from sandbox.synapse.http import Json, Refused

if TYPE_CHECKING:
    from sandbox.synapse.world import World

MEBIBYTE = 1024**2
GIBIBYTE = 1024**3
SMALLEST_PART_BYTES = 5 * MEBIBYTE
LARGEST_PART_BYTES = 5 * GIBIBYTE
LARGEST_FILE_BYTES = 5 * 1024 * GIBIBYTE
MOST_PARTS = 10_000
RECORDS_LIVE = timedelta(days=30)
SWEPT_EVERY = timedelta(days=1)

UPLOADING = "UPLOADING"
COMPLETED = "COMPLETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopySource:
    """The object a copy reads, as it was when the copy started; every part is conditional on the ETag."""

    handle_id: str
    bucket: str
    key: str
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPlan:
    """What an upload will become, fixed at its start.

    Attributes:
        size_bytes: declared for an upload, the source handle's record for a copy; S3 is not asked.
        source: None for a plain upload.
        wants_preview: False makes the result its own preview (contract 8.7).
    """

    file_name: str
    content_type: str | None
    md5: str
    size_bytes: int
    part_size_bytes: int
    location_id: int
    bucket: str
    key: str
    wants_preview: bool
    source: CopySource | None = None

    @property
    def part_count(self) -> int:
        """How many parts the service expects, its arithmetic slip included."""
        return count_parts(self.size_bytes, self.part_size_bytes)

    def range_of(self, part_number: int) -> tuple[int, int]:
        """First and last byte of a part, both inclusive (contract 8.5)."""
        first = (part_number - 1) * self.part_size_bytes
        return first, min(part_number * self.part_size_bytes, self.size_bytes) - 1


@dataclass(slots=True, kw_only=True)
class Upload:
    """One record.

    Attributes:
        added: part numbers with the MD5 they were added with.
        settled: parts of a plain upload that were verified; each can be added once only (contract 8.6).
        result_handle_id: present once completed.
    """

    id: str
    started_by: str
    request_hash: str
    plan: UploadPlan
    s3_upload_id: str
    started_on: str
    updated_at: datetime
    updated_on: str
    added: dict[int, str] = field(default_factory=dict)
    settled: dict[int, Part] = field(default_factory=dict)
    result_handle_id: str | None = None

    @property
    def is_completed(self) -> bool:
        """Whether the result exists."""
        return self.result_handle_id is not None

    def as_json(self) -> Json:
        """The MultipartUploadStatus (contract 8.2)."""
        numbers = range(1, self.plan.part_count + 1)
        return {
            "uploadId": self.id,
            "startedBy": self.started_by,
            "startedOn": self.started_on,
            "updatedOn": self.updated_on,
            "state": COMPLETED if self.is_completed else UPLOADING,
            "partsState": "".join("1" if number in self.added or self.is_completed else "0" for number in numbers),
            "resultFileHandleId": self.result_handle_id,
        }


class Uploads:
    """Every upload by id; at most one attached to each user and request (contract 8.3)."""

    def __init__(self) -> None:
        self._by_id: dict[str, Upload] = {}
        self._attached: dict[tuple[str, str], str] = {}
        self._of_handle: dict[str, list[str]] = {}
        self._swept_at: datetime | None = None

    def add(self, world: "World", user_id: str, request_hash: str, plan: UploadPlan, s3_upload_id: str) -> Upload:
        """Remember a fresh upload; it replaces the user's earlier one of the same request."""
        upload = Upload(
            id=str(world.ids.number("other")),
            started_by=user_id,
            request_hash=request_hash,
            plan=plan,
            s3_upload_id=s3_upload_id,
            started_on=world.clock.stamp(),
            updated_at=world.clock.now(),
            updated_on=world.clock.stamp(),
        )
        self._by_id[upload.id] = upload
        self._attached[user_id, request_hash] = upload.id
        if plan.source is not None:
            self._of_handle.setdefault(plan.source.handle_id, []).append(upload.id)
        return upload

    def require(self, world: "World", upload_id: str, user_id: str) -> Upload:
        """The user's upload: 400 for an id that is no number, 404 for an unknown one, 403 for somebody else's."""
        if not upload_id.isdigit():
            raise Refused(400, f"Not an upload id: {upload_id}")
        upload = self._living(world, upload_id)
        if upload is None:
            raise Refused(404, f"Upload {upload_id} does not exist")
        if upload.started_by != user_id:
            raise Refused(403, "Only the user who started an upload may go on with it")
        return upload

    def earlier(self, world: "World", user_id: str, request_hash: str) -> Upload | None:
        """The upload that the same request of the same user belongs to, if it may be continued or re-used."""
        self._sweep(world)
        upload_id = self._attached.get((user_id, request_hash))
        return None if upload_id is None else self._living(world, upload_id)

    def touch(self, world: "World", upload: Upload) -> None:
        """Note that the upload was worked on just now."""
        upload.updated_at = world.clock.now()
        upload.updated_on = world.clock.stamp()

    def finish(self, world: "World", upload: Upload, result_handle_id: str) -> None:
        """Mark the upload as completed."""
        upload.result_handle_id = result_handle_id
        self._of_handle.setdefault(result_handle_id, []).append(upload.id)
        self.touch(world, upload)

    def forget_handle(self, handle_id: str) -> None:
        """Drop the records that read or made a handle: it was deleted (contract 8.3)."""
        for upload_id in self._of_handle.pop(handle_id, []):
            if upload_id in self._by_id:
                self._forget(self._by_id[upload_id])

    def _sweep(self, world: "World") -> None:
        """Look after records that nobody asks for any more, at most once a day."""
        now = world.clock.now()
        if self._swept_at is None or now - self._swept_at > SWEPT_EVERY:
            self._swept_at = now
            for upload_id in list(self._by_id):
                self._living(world, upload_id)

    def _living(self, world: "World", upload_id: str) -> Upload | None:
        """The record, unless nobody touched it for 30 days; what is unfinished in S3 is then aborted (contract 8.3)."""
        upload = self._by_id.get(upload_id)
        if upload is None or world.clock.now() - upload.updated_at <= RECORDS_LIVE:
            return upload
        if not upload.is_completed:
            _abort(world, upload)
        self._forget(upload)
        return None

    def _forget(self, upload: Upload) -> None:
        del self._by_id[upload.id]
        identity = (upload.started_by, upload.request_hash)
        if self._attached.get(identity) == upload.id:
            del self._attached[identity]


def _abort(world: "World", upload: Upload) -> None:
    with contextlib.suppress(S3Refusal):  # a bucket rule, or its owner, may have aborted it before
        world.objects.abort_upload(upload.plan.bucket, upload.plan.key, upload.s3_upload_id)


def hash_of_request(request: Json) -> str:
    """The identity of a start request: every field that was sent, in any order (contract 8.3)."""
    sent = {name: value for name, value in request.items() if value is not None}
    return hashlib.md5(json.dumps(sent, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def count_parts(size_bytes: int, part_size_bytes: int) -> int:
    """The service's part count, with its 32-bit slip: a remainder of 2 GiB or more may go uncounted (contract 8.1).

    400 outside of the limits of part size, part count and file size.
    """
    if not SMALLEST_PART_BYTES <= part_size_bytes <= LARGEST_PART_BYTES:
        raise Refused(400, f"Part size must be between {SMALLEST_PART_BYTES} and {LARGEST_PART_BYTES} bytes")
    if not 1 <= size_bytes <= LARGEST_FILE_BYTES:
        raise Refused(400, f"File size must be between 1 and {LARGEST_FILE_BYTES} bytes")
    if size_bytes <= part_size_bytes:
        return 1
    count = size_bytes // part_size_bytes + (1 if _as_signed_32_bits(size_bytes % part_size_bytes) > 0 else 0)
    if count > MOST_PARTS:
        raise Refused(400, f"A file may have at most {MOST_PARTS} parts, this one has {count}")
    return count


def _as_signed_32_bits(number: int) -> int:
    return (number + 2**31) % 2**32 - 2**31
