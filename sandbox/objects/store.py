"""The object store behind the sandbox: buckets, objects, multipart uploads, access keys, presigned addresses."""

import random
import shutil
import tempfile
import weakref
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import islice
from pathlib import Path

from sandbox.clock import SandboxClock
from sandbox.objects import refusals
from sandbox.objects.access import Action, BucketGrant, Credential
from sandbox.objects.contents import Content, MemoryContent, Piece, VirtualContent, compose, slice_of
from sandbox.objects.parts import check_part_number, chosen_parts, multipart_etag
from sandbox.objects.records import (
    LARGEST_COPY_BYTES,
    PLAIN,
    Attributes,
    Bucket,
    Part,
    StoredObject,
    Upload,
)
from sandbox.objects.refusals import S3Refusal
from sandbox.objects.signing import Presigner

__all__ = ["ObjectStore", "S3Refusal"]

UPLOAD_URL_SECONDS = 15 * 60
DOWNLOAD_URL_SECONDS = 30


class ObjectStore:
    """Everything the sandbox's S3 knows.

    Reading, deleting and multipart uploads are done in the name of *by*: Synapse's own role unless told otherwise,
    so a bucket that is closed to Synapse refuses them. Putting an object checks nothing unless *by* is given: that is
    how scenarios fill buckets.

    Attributes:
        endpoint_url: where the S3 server listens; the server sets it. Presigned addresses start with it.
        copy_bytes_per_second: how fast a server-side copy is; None for at once.
        calls: how many S3 calls were served, by operation.
        owner: an access key that may do everything, as the owner of all buckets.
    """

    def __init__(self, *, clock: SandboxClock, seed: int = 0) -> None:
        self.clock = clock
        self.endpoint_url = "http://127.0.0.1:9000"
        self.copy_bytes_per_second: float | None = None
        self.calls: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._buckets: dict[str, Bucket] = {}
        self._uploads: dict[str, Upload] = {}
        self._credentials: dict[str, Credential] = {}
        self._attributes: dict[Attributes, Attributes] = {}
        self.owner = self.add_credential(
            Credential(access_key="SANDBOXOWNER", secret_key=self._token(20), grants=(BucketGrant(),))
        )
        self.synapse_role = self.add_credential(
            Credential(access_key="SANDBOXSYNAPSE", secret_key=self._token(20), is_synapse=True)
        )
        self._presigner = Presigner(clock=clock)
        self._spool: Path | None = None

    @property
    def spool_folder(self) -> Path:
        """Where large real contents are kept; gone with the store."""
        if self._spool is None:
            self._spool = Path(tempfile.mkdtemp(prefix="sandbox-s3-"))
            weakref.finalize(self, shutil.rmtree, self._spool, ignore_errors=True)
        return self._spool

    # ------------------------------------------------------------------ buckets

    def create_bucket(self, name: str, *, region: str = "us-east-1") -> Bucket:
        """The bucket of that name, made when it does not exist yet."""
        return self._buckets.setdefault(name, Bucket(name=name, region=region))

    def bucket(self, name: str) -> Bucket:
        """The bucket; refuses with NoSuchBucket."""
        found = self._buckets.get(name)
        if found is None:
            raise refusals.no_such_bucket(name)
        return found

    def find_bucket(self, name: str) -> Bucket | None:
        """The bucket, or None."""
        return self._buckets.get(name)

    def buckets(self) -> list[Bucket]:
        """All buckets by name."""
        return sorted(self._buckets.values(), key=lambda bucket: bucket.name)

    # ------------------------------------------------------------------ objects

    def put(
        self,
        bucket: str,
        key: str,
        content: Content | bytes,
        *,
        attributes: Attributes = PLAIN,
        by: Credential | None = None,
    ) -> StoredObject:
        """Store an object in one piece: its ETag is the MD5, unless the bucket's ETags are opaque."""
        place = self.bucket(bucket) if by is None else self.require(by, Action.WRITE, bucket, key)
        held = MemoryContent(content) if isinstance(content, bytes) else content
        stored = StoredObject(
            content=held,
            etag=self._etag(place, held.whole_digest()),
            last_modified=self.clock.now(),
            attributes=self._shared(attributes),
        )
        place.put(key, stored)
        return stored

    def put_virtual(
        self,
        bucket: str,
        key: str,
        *,
        size: int,
        md5: str,
        seed: int = 0,
        part_size: int | None = None,
        attributes: Attributes = PLAIN,
    ) -> StoredObject:
        """Store an object that is only declared. With *part_size* it looks as if uploaded in parts of that size."""
        content = VirtualContent(size, md5, seed)
        if part_size is None:
            return self.put(bucket, key, content, attributes=attributes)
        return self.put_in_parts(bucket, key, content, part_size=part_size, attributes=attributes)

    def put_in_parts(
        self, bucket: str, key: str, content: Content, *, part_size: int, attributes: Attributes = PLAIN
    ) -> StoredObject:
        """Store an object as if it had been uploaded in parts of that size; even a single part shows in its ETag."""
        starts = range(0, max(content.size, 1), part_size)
        sizes = tuple(min(part_size, content.size - start) for start in starts)
        digests = [content.digest(start, start + length - 1) for start, length in zip(starts, sizes, strict=True)]
        place = self.bucket(bucket)
        stored = StoredObject(
            content=content,
            etag=self._etag(place, multipart_etag(digests)),
            last_modified=self.clock.now(),
            attributes=self._shared(attributes),
            part_sizes=sizes,
        )
        place.put(key, stored)
        return stored

    def find(self, bucket: str, key: str) -> StoredObject | None:
        """The object, or None when it or its bucket does not exist."""
        place = self._buckets.get(bucket)
        return place.objects.get(key) if place else None

    def head(self, bucket: str, key: str, *, by: Credential | None = None) -> StoredObject:
        """The object; refuses with NoSuchBucket, NoSuchKey or AccessDenied."""
        found = self.require(by, Action.READ, bucket, key).objects.get(key)
        if found is None:
            raise refusals.no_such_key(key)
        return found

    def get(self, bucket: str, key: str, *, by: Credential | None = None) -> StoredObject:
        """The object, to read its content; refuses as `head` does, and when the bytes are archived."""
        found = self.head(bucket, key, by=by)
        if found.attributes.needs_restore:
            raise refusals.archived()
        return found

    def delete(self, bucket: str, key: str, *, by: Credential | None = None) -> None:
        """Remove the object; nothing happens when there is none."""
        self.require(by, Action.WRITE, bucket, key).remove(key)

    def list(self, bucket: str, prefix: str = "", *, after: str = "") -> Iterator[tuple[str, StoredObject]]:
        """Objects below *prefix* whose key is greater than *after*, in S3's order."""
        place = self.bucket(bucket)
        keys = place.sorted_keys()
        start = bisect_right(keys, after) if after >= prefix else bisect_left(keys, prefix)
        for key in islice(keys, start, None):
            if not key.startswith(prefix):
                return
            yield key, place.objects[key]

    # ------------------------------------------------------------------ multipart uploads

    def start_upload(
        self,
        bucket: str,
        key: str,
        *,
        content_type: str = PLAIN.content_type,
        content_disposition: str | None = None,
        acl: str | None = None,
        by: Credential | None = None,
    ) -> str:
        """Begin a multipart upload and return its id."""
        attributes = Attributes(content_type=content_type, disposition=content_disposition, acl=acl)
        return self.start_upload_with(bucket, key, attributes, by=by).id

    def start_upload_with(
        self, bucket: str, key: str, attributes: Attributes, *, by: Credential | None = None
    ) -> Upload:
        """Begin a multipart upload of an object with these attributes."""
        self.require(by, Action.WRITE, bucket, key)
        upload = Upload(
            id=self._token(32),
            bucket=bucket,
            key=key,
            started=self.clock.now(),
            attributes=self._shared(attributes),
        )
        self._uploads[upload.id] = upload
        return upload

    def upload(self, bucket: str, key: str, upload_id: str) -> Upload:
        """The unfinished upload; refuses with NoSuchUpload."""
        found = self._uploads.get(upload_id)
        if found is None or (found.bucket, found.key) != (bucket, key):
            raise refusals.no_such_upload()
        return found

    def uploads(self, bucket: str, prefix: str = "") -> Iterable[Upload]:
        """Unfinished uploads of a bucket."""
        return [one for one in self._uploads.values() if one.bucket == bucket and one.key.startswith(prefix)]

    def put_part(self, bucket: str, key: str, upload_id: str, number: int, content: Content) -> Part:
        """Store a part, replacing one of the same number."""
        check_part_number(number)
        upload = self.upload(bucket, key, upload_id)
        etag = self._etag(self.bucket(bucket), content.whole_digest())
        part = Part(number=number, content=content, etag=etag, last_modified=self.clock.now())
        upload.parts[number] = part
        return part

    def part_source(self, source: StoredObject, taken: tuple[int, int] | None) -> Content:
        """The range of *source* that a part copy takes, None for all; refuses what S3 refuses (contract 8.5)."""
        first, last = taken or (0, source.size - 1)
        if first > last or last >= source.size:
            raise refusals.invalid_argument(f"Range specified is not valid for source object of size: {source.size}")
        if last - first + 1 > LARGEST_COPY_BYTES:
            raise refusals.copy_source_too_large()
        return slice_of(source.content, first, last)

    def complete_upload(
        self, bucket: str, key: str, upload_id: str, parts: Iterable[tuple[int, str]], *, by: Credential | None = None
    ) -> StoredObject:
        """Join the listed parts into the object; (number, ETag) pairs in ascending order of number."""
        place = self.require(by, Action.WRITE, bucket, key)
        upload = self.upload(bucket, key, upload_id)
        chosen = chosen_parts(upload, [(number, etag.strip('"')) for number, etag in parts])
        stored = StoredObject(
            content=compose([Piece(part.content, 0, part.content.size - 1) for part in chosen]),
            etag=self._etag(place, multipart_etag([part.etag for part in chosen])),
            last_modified=self.clock.now(),
            attributes=upload.attributes,
            part_sizes=tuple(part.content.size for part in chosen),
        )
        place.put(key, stored)
        del self._uploads[upload_id]
        return stored

    def abort_upload(self, bucket: str, key: str, upload_id: str, *, by: Credential | None = None) -> None:
        """Forget the upload and its parts; refuses with NoSuchUpload."""
        self.require(by, Action.WRITE, bucket, key)
        self.upload(bucket, key, upload_id)
        del self._uploads[upload_id]

    # ------------------------------------------------------------------ access

    def add_credential(self, credential: Credential) -> Credential:
        """Make an access key known, replacing one of the same name."""
        self._credentials[credential.access_key] = credential
        return credential

    def credential(self, access_key: str) -> Credential | None:
        """The access key, or None; it may have expired."""
        return self._credentials.get(access_key)

    def issue_session(self, bucket: str, prefix: str, *, read_only: bool, seconds: float = 12 * 3600) -> Credential:
        """Temporary credentials for one prefix of one bucket; the ownership proof stays out of reach (contract 5)."""
        grant = BucketGrant(bucket=bucket, prefix=prefix.strip("/"), can_write=not read_only, shields_owner_proof=True)
        return self.add_credential(
            Credential(
                access_key="ASIA" + self._token(8).upper(),
                secret_key=self._token(20),
                session_token=self._token(48),
                expires=self.clock.now() + timedelta(seconds=seconds),
                grants=(grant,),
            )
        )

    # ------------------------------------------------------------------ presigned addresses

    def presign_put_part(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        number: int,
        *,
        content_type: str | None = None,
        expires_seconds: int = UPLOAD_URL_SECONDS,
    ) -> tuple[str, dict[str, str]]:
        """Where to PUT a part, and the headers that must be sent exactly as given."""
        headers = {"Content-Type": content_type} if content_type else {}
        return self._presign("PUT", bucket, key, _part_query(number, upload_id), headers, expires_seconds), headers

    def presign_copy_part(  # noqa: PLR0913 - one signed request has this many members
        self,
        bucket: str,
        key: str,
        upload_id: str,
        number: int,
        *,
        source_bucket: str,
        source_key: str,
        first_byte: int,
        last_byte: int,
        source_etag: str,
        content_type: str | None = None,
        expires_seconds: int = UPLOAD_URL_SECONDS,
    ) -> tuple[str, dict[str, str]]:
        """Where to PUT nothing at all so that S3 copies a range, and the headers that must be sent exactly as given."""
        headers = {
            "x-amz-copy-source": f"{source_bucket}/{self._presigner.encoded(source_key)}",
            "x-amz-copy-source-range": f"bytes={first_byte}-{last_byte}",
            "x-amz-copy-source-if-match": source_etag,
        }
        if content_type:
            headers["Content-Type"] = content_type
        return self._presign("PUT", bucket, key, _part_query(number, upload_id), headers, expires_seconds), headers

    def presign_get(
        self,
        bucket: str,
        key: str,
        *,
        content_type: str | None = None,
        disposition: str | None = None,
        expires_seconds: int = DOWNLOAD_URL_SECONDS,
    ) -> str:
        """Where to GET the object; the answer carries the given content type and disposition."""
        overrides = {"response-content-disposition": disposition, "response-content-type": content_type}
        query = {name: value for name, value in overrides.items() if value}
        return self._presign("GET", bucket, key, query, {}, expires_seconds)

    # ------------------------------------------------------------------ inside

    def require(self, by: Credential | None, action: Action, bucket: str, key: str) -> Bucket:
        """The bucket, when the credential may do this there; refuses with NoSuchBucket or AccessDenied."""
        place = self.bucket(bucket)
        if not (by or self.synapse_role).allows(action, place, key):
            raise refusals.access_denied()
        return place

    def _presign(
        self, method: str, bucket: str, key: str, query: Mapping[str, str], headers: Mapping[str, str], seconds: int
    ) -> str:
        place = self.bucket(bucket)
        url = f"{self.endpoint_url}/{bucket}/{self._presigner.encoded(key)}"
        return self._presigner.presign(
            self.synapse_role, method, url, query=query, headers=headers, region=place.region, seconds=seconds
        )

    def _etag(self, place: Bucket, digest: str) -> str:
        """The ETag for a digest. Where ETags are opaque, a different one every time, of the same shape."""
        if not place.has_opaque_etags:
            return digest
        _, dash, count = digest.partition("-")
        return self._token(16) + dash + count

    def _token(self, size: int) -> str:
        return self._random.randbytes(size).hex()

    def _shared(self, attributes: Attributes) -> Attributes:
        """One record for all objects that are alike: a million of them would weigh."""
        return self._attributes.setdefault(attributes, attributes)


def _part_query(number: int, upload_id: str) -> dict[str, str]:
    return {"partNumber": str(number), "uploadId": upload_id}
