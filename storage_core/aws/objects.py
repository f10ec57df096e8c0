"""Objects in S3 with the user's own keys: what is known of them, copies inside S3, parts.

Blocking work is done beside the event loop, each request under the budget for S3.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from storage_core.aws.refusals import ObjectRefused, ObjectTrouble, refusal_of
from storage_core.aws.worker_threads import WorkerThreads
from storage_core.model.copies import PartRange
from storage_core.plan.parts import LONG_COPY_BYTES

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import HeadObjectOutputTypeDef

T = TypeVar("T")

OWNER_MAY_ALL: Final = "bucket-owner-full-control"
"""The canned ACL that Synapse gives what it writes (contract 8.4); also right where ACLs are switched off."""

WHOLE_OBJECT_CHECKSUMS = ("CRC64NVME", "CRC32C", "CRC32")
"""Those that S3 can keep over the whole of an object, however many parts it was made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectName:
    """Where an object is."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """What S3 computed over the whole of an object."""

    algorithm: str
    value: str

    def __str__(self) -> str:
        """One word that is equal exactly when both agree."""
        return f"{self.algorithm}:{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFacts:
    """An object that is there; its ETag without quotes."""

    size_bytes: int
    etag: str
    checksum: Checksum | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How an object was once made: so many parts, the first of this size."""

    parts: int
    first_part_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What an object shows to those who fetch it directly."""

    content_type: str
    disposition: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A multipart upload under way."""

    target: ObjectName
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPart:
    """A part that S3 has; its ETag without quotes."""

    number: int
    etag: str
    size_bytes: int


class S3Objects:
    """One method, one request (and once per bucket the question for its region). Nothing is repeated here.

    Every method raises ObjectRefused. Keys, region and address are found as every AWS tool finds them.
    """

    def __init__(
        self,
        *,
        slots: AbstractAsyncContextManager[object],
        long_slots: AbstractAsyncContextManager[object] | None = None,
        most_at_once: int,
        connect_seconds: float,
        read_seconds: float,
        profile: str | None = None,
    ) -> None:
        """Contact nobody yet; *slots* is entered around each request, *long_slots* instead around those that take long.

        By default they are the same.
        """
        self._slots = slots
        self._long_slots = long_slots or slots
        self.most_at_once = most_at_once
        self._timeouts = (connect_seconds, read_seconds)
        self._profile = profile
        self._threads = WorkerThreads(most_at_once)
        self._clients: dict[str | None, S3Client] = {}
        self._regions: dict[str, str | None] = {}
        self._making = threading.Lock()

    async def head(self, name: ObjectName) -> ObjectFacts:
        """Size, ETag and checksum."""

        def ask(client: "S3Client") -> ObjectFacts:
            return _facts(client.head_object(Bucket=name.bucket, Key=name.key, ChecksumMode="ENABLED"))

        return await self._ask(name.bucket, ask)

    async def cut(self, name: ObjectName) -> Cut | None:
        """How an object was made; None when it was not made of parts, or the store does not say."""

        def ask(client: "S3Client") -> Cut | None:
            answer: Any = client.head_object(Bucket=name.bucket, Key=name.key, PartNumber=1)
            parts = answer.get("PartsCount")
            return None if parts is None else Cut(parts=parts, first_part_bytes=answer["ContentLength"])

        return await self._ask(name.bucket, ask)

    async def copy(
        self, source: ObjectName, target: ObjectName, *, etag: str, look: Look, algorithm: str | None
    ) -> str:
        """Copy an object of up to 5 GiB if it still has this ETag; the new one's ETag.

        Tags and user metadata stay behind, as they do when Synapse copies (contract 8.4).
        """
        extra: Any = {**_look(look), **({"ChecksumAlgorithm": algorithm} if algorithm else {})}

        def ask(client: "S3Client") -> str:
            answer = client.copy_object(
                Bucket=target.bucket,
                Key=target.key,
                CopySource={"Bucket": source.bucket, "Key": source.key},
                CopySourceIfMatch=f'"{etag}"',
                MetadataDirective="REPLACE",
                TaggingDirective="REPLACE",
                ACL=OWNER_MAY_ALL,
                **extra,
            )
            return answer["CopyObjectResult"]["ETag"].strip('"')

        return await self._ask(target.bucket, ask)

    async def begin(self, target: ObjectName, *, look: Look, algorithm: str | None) -> Upload:
        """Begin a multipart upload; with *algorithm*, S3 computes that checksum over the whole in the end."""
        whole: Any = {"ChecksumAlgorithm": algorithm, "ChecksumType": "FULL_OBJECT"} if algorithm else {}
        extra: Any = {**_look(look), **whole}

        def ask(client: "S3Client") -> Upload:
            answer = client.create_multipart_upload(Bucket=target.bucket, Key=target.key, ACL=OWNER_MAY_ALL, **extra)
            return Upload(target=target, id=answer["UploadId"])

        return await self._ask(target.bucket, ask)

    async def copy_part(self, upload: Upload, source: ObjectName, part: PartRange, *, etag: str) -> str:
        """Copy a range as a part if the source still has this ETag; the part's ETag."""

        def ask(client: "S3Client") -> str:
            answer = client.upload_part_copy(
                Bucket=upload.target.bucket,
                Key=upload.target.key,
                UploadId=upload.id,
                PartNumber=part.number,
                CopySource={"Bucket": source.bucket, "Key": source.key},
                CopySourceRange=f"bytes={part.first_byte}-{part.last_byte}",
                CopySourceIfMatch=f'"{etag}"',
            )
            return answer["CopyPartResult"]["ETag"].strip('"')

        slots = self._long_slots if part.size_bytes > LONG_COPY_BYTES else self._slots
        return await self._ask(upload.target.bucket, ask, slots=slots)

    async def complete(self, upload: Upload, etags: tuple[str, ...]) -> None:
        """Join the parts 1 to n with these ETags."""

        def ask(client: "S3Client") -> None:
            client.complete_multipart_upload(
                Bucket=upload.target.bucket,
                Key=upload.target.key,
                UploadId=upload.id,
                MultipartUpload={"Parts": [{"PartNumber": n, "ETag": f'"{e}"'} for n, e in enumerate(etags, start=1)]},
            )

        await self._ask(upload.target.bucket, ask)

    async def abort(self, upload: Upload) -> None:
        """Have S3 forget the upload and its parts."""

        def ask(client: "S3Client") -> None:
            client.abort_multipart_upload(Bucket=upload.target.bucket, Key=upload.target.key, UploadId=upload.id)

        await self._ask(upload.target.bucket, ask)

    async def uploads(self, target: ObjectName) -> tuple[Upload, ...]:
        """Uploads to this key that are neither complete nor aborted, oldest first; at most 1,000."""

        def ask(client: "S3Client") -> tuple[Upload, ...]:
            answer = client.list_multipart_uploads(Bucket=target.bucket, Prefix=target.key)
            found = [one for one in answer.get("Uploads", []) if one["Key"] == target.key]
            return tuple(Upload(target=target, id=one["UploadId"]) for one in found)

        return await self._ask(target.bucket, ask)

    async def parts(self, upload: Upload) -> tuple[StoredPart, ...]:
        """The parts S3 has of an upload; a request per 1,000."""

        def ask(client: "S3Client") -> tuple[StoredPart, ...]:
            pages = client.get_paginator("list_parts").paginate(
                Bucket=upload.target.bucket, Key=upload.target.key, UploadId=upload.id
            )
            return tuple(
                StoredPart(number=part["PartNumber"], etag=part["ETag"].strip('"'), size_bytes=part["Size"])
                for page in pages
                for part in page.get("Parts", [])
            )

        return await self._ask(upload.target.bucket, ask)

    async def delete(self, name: ObjectName) -> None:
        """Delete an object; none there is no trouble."""

        def ask(client: "S3Client") -> None:
            client.delete_object(Bucket=name.bucket, Key=name.key)

        await self._ask(name.bucket, ask)

    def close(self) -> None:
        """Let go of idle connections. What is still being copied is not waited for."""
        self._threads.close()
        for client in self._clients.values():
            client.close()

    async def _ask(
        self,
        bucket: str,
        ask: "Callable[[S3Client], T]",
        *,
        slots: AbstractAsyncContextManager[object] | None = None,
    ) -> T:
        from botocore.exceptions import BotoCoreError, ClientError  # late: boto3 is slow to import

        async with slots or self._slots:
            try:
                return await self._threads.run(lambda: ask(self._client_for(bucket)))
            except (BotoCoreError, ClientError) as error:
                raise refusal_of(error) from error
            except KeyError as lacking:
                # an answer that S3 does not give comes from something in between, and may be gone in a moment
                raise ObjectRefused(ObjectTrouble.BUSY, f"an answer of S3 lacks {lacking}") from lacking

    def _client_for(self, bucket: str) -> "S3Client":
        """The client of the bucket's region."""
        if bucket not in self._regions:
            self._regions[bucket] = _region_of(self._client(None), bucket)
        return self._client(self._regions[bucket])

    def _client(self, region: str | None) -> "S3Client":
        with self._making:
            if region not in self._clients:
                self._clients[region] = self._made(region)
            return self._clients[region]

    def _made(self, region: str | None) -> "S3Client":
        import boto3  # late: slow to import
        from botocore.config import Config

        connect_seconds, read_seconds = self._timeouts
        settings = Config(
            connect_timeout=connect_seconds,
            read_timeout=read_seconds,
            max_pool_connections=self.most_at_once,
            # the engine repeats, and nobody else
            retries={"total_max_attempts": 1},
            parameter_validation=False,
            tcp_keepalive=True,
        )
        # a session of its own: those of boto3 are not made for several threads at a time, its clients are
        session = boto3.Session(profile_name=self._profile, region_name=region)
        return session.client("s3", config=settings)


def _region_of(client: "S3Client", bucket: str) -> str | None:
    """The bucket's region, which S3 tells even those it refuses; None where the server knows no regions."""
    from botocore.exceptions import ClientError  # late: boto3 is slow to import

    try:
        answer: Any = client.head_bucket(Bucket=bucket)
    except ClientError as error:
        answer = error.response
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    told = headers.get("x-amz-bucket-region")
    return str(told) if told else None


def _facts(answer: "HeadObjectOutputTypeDef") -> ObjectFacts:
    said: Any = answer
    kept = next((name for name in WHOLE_OBJECT_CHECKSUMS if said.get(f"Checksum{name}")), None)
    is_whole = said.get("ChecksumType") == "FULL_OBJECT"
    return ObjectFacts(
        size_bytes=answer["ContentLength"],
        etag=answer["ETag"].strip('"'),
        checksum=Checksum(algorithm=kept, value=said[f"Checksum{kept}"]) if kept and is_whole else None,
    )


def _look(look: Look) -> dict[str, str]:
    shown = {"ContentType": look.content_type, "ContentDisposition": look.disposition}
    return {name: value for name, value in shown.items() if value is not None}
