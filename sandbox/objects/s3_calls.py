"""One S3 call being answered: what the handlers of all operations share."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from sandbox.objects import refusals
from sandbox.objects.access import Action, Credential
from sandbox.objects.checksums import ALGORITHMS, COMPOSITE, DEFAULT_ALGORITHM, FULL_OBJECT
from sandbox.objects.contents import Content
from sandbox.objects.records import Attributes, Bucket, StoredObject
from sandbox.objects.refusals import S3Refusal
from sandbox.objects.s3_http import S3Request
from sandbox.objects.store import ObjectStore

_METADATA = "x-amz-meta-"
_COPY_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Call:
    """An authenticated call.

    Attributes:
        spoil: what a planted fault makes of the bytes of a part before they are stored.
    """

    store: ObjectStore
    request: S3Request
    credential: Credential
    spoil: Callable[[Content], Content] = lambda content: content

    def bucket(self, action: Action) -> Bucket:
        """The addressed bucket, when the caller may do *action* on the addressed key."""
        return self.store.require(self.credential, action, self.request.bucket, self.request.key)

    def stored(self) -> StoredObject:
        """The addressed object, when the caller may read it."""
        return self.store.head(self.request.bucket, self.request.key, by=self.credential)

    def query(self, name: str) -> str:
        """A query member; an empty string when absent."""
        return self.request.query.get(name, "")

    def number(self, name: str, *, default: int) -> int:
        """A numeric query member; refuses with InvalidArgument."""
        text = self.request.query.get(name, str(default))
        if not text.isdecimal():
            raise refusals.invalid_argument(f"Provided {name} not an integer or within integer range")
        return int(text)

    async def body(self) -> bytes:
        """The whole body; for documents."""
        return b"".join([chunk async for chunk in self.request.body])

    def copy_source(self) -> StoredObject:
        """The object a copy reads, when the caller may read it and it is the one expected (contract 8.5)."""
        bucket, _, key = unquote(self.request.headers["x-amz-copy-source"]).removeprefix("/").partition("/")
        source = self.store.get(bucket, key.partition("?versionId=")[0], by=self.credential)
        check_conditions(source, self.request.headers, prefix="x-amz-copy-source-")
        return source

    def copy_range(self) -> tuple[int, int] | None:
        """The bytes a part copy takes, None for all of them."""
        declared = self.request.header("x-amz-copy-source-range")
        if declared is None:
            return None
        match = _COPY_RANGE.fullmatch(declared)
        if match is None:
            raise refusals.invalid_argument("The x-amz-copy-source-range value must be of the form bytes=first-last")
        return int(match.group(1)), int(match.group(2))

    def check_destination(self) -> None:
        """Refuse with 412 when the caller made writing conditional and the condition does not hold."""
        existing = self.store.find(self.request.bucket, self.request.key)
        if existing is None:
            if self.request.header("if-match"):
                raise refusals.no_such_key(self.request.key)
            return
        check_conditions(existing, self.request.headers)

    async def wait_for_copy(self, size: int) -> None:
        """Let the time pass that S3 needs to copy so many bytes."""
        rate = self.store.copy_bytes_per_second
        if rate:
            await self.store.clock.wait(size / rate)


def check_conditions(stored: StoredObject, headers: Mapping[str, str], *, prefix: str = "") -> None:
    """Refuse with 412 unless the object fits the ``if-match`` and ``if-none-match`` conditions."""
    wanted, unwanted = headers.get(f"{prefix}if-match"), headers.get(f"{prefix}if-none-match")
    if wanted is not None and not _names(wanted, stored.etag):
        raise refusals.precondition_failed(f"{prefix}if-match")
    if unwanted is not None and _names(unwanted, stored.etag):
        raise refusals.precondition_failed(f"{prefix}if-none-match")


def attributes_of(headers: Mapping[str, str], *, algorithm: str | None = None) -> Attributes:
    """What a request says about the object it makes."""
    named = (headers.get("x-amz-checksum-algorithm") or algorithm or DEFAULT_ALGORITHM).upper()
    if named not in ALGORITHMS:
        raise S3Refusal("InvalidRequest", f"Checksum algorithm provided is unsupported: {named}", 400)
    metadata = {name.removeprefix(_METADATA): value for name, value in headers.items() if name.startswith(_METADATA)}
    return Attributes(
        content_type=headers.get("content-type", "binary/octet-stream"),
        disposition=headers.get("content-disposition"),
        metadata=tuple(sorted(metadata.items())),
        storage_class=headers.get("x-amz-storage-class", "STANDARD"),
        checksum_algorithm=named,
        checksum_type=_checksum_type(headers, named),
        acl=headers.get("x-amz-acl"),
    )


def _checksum_type(headers: Mapping[str, str], algorithm: str) -> str:
    """Parts' checksums are combined unless asked otherwise; CRC64NVME knows only the whole."""
    default = FULL_OBJECT if algorithm == DEFAULT_ALGORITHM else COMPOSITE
    return headers.get("x-amz-checksum-type", default).upper()


def _names(condition: str, etag: str) -> bool:
    return any(one.strip().strip('"') in ("*", etag) for one in condition.split(","))
