"""What our engines take for granted of S3, asked of our own server and of a real one.

Our server is what everything else is tested on, so wherever it answers otherwise than SeaweedFS does, one of the two is
wrong about S3. The deviations that are known are declared per server (`Can`), and a test of one must fail there.
"""

import base64
import hashlib
import io
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from xml.etree import ElementTree as ET

import httpx
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from tests.conformance.s3_servers import Can, Keys, Server, ServerMissingError, sandbox_server, seaweedfs_server

F = TypeVar("F", bound=Callable[..., None])
MIB = 1024**2
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def _running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if request.param == "sandbox":
        with sandbox_server() as server:
            yield server
        return
    try:
        with seaweedfs_server(tmp_path_factory.mktemp("weed")) as server:
            yield server
    except ServerMissingError as reason:
        pytest.skip(f"NO REAL S3 WAS ASKED: {reason}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "_running" in metafunc.fixturenames:
        servers = ["sandbox", pytest.param("seaweedfs", marks=pytest.mark.real_s3)]
        metafunc.parametrize("_running", servers, indirect=True, scope="session")


@dataclass(frozen=True)
class S3:
    """A server with a client of the owner's and two fresh buckets."""

    server: Server
    client: Any
    bucket: str
    other: str

    def put(self, key: str, body: bytes, **more: Any) -> str:
        """Store and return the ETag without quotes."""
        return self.client.put_object(Bucket=self.bucket, Key=key, Body=body, **more)["ETag"].strip('"')

    def body(self, key: str, bucket: str | None = None, **more: Any) -> bytes:
        return self.client.get_object(Bucket=bucket or self.bucket, Key=key, **more)["Body"].read()

    def start(self, key: str, **more: Any) -> str:
        return self.client.create_multipart_upload(Bucket=self.other, Key=key, **more)["UploadId"]

    def send(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        answer = self.client.upload_part(Bucket=self.other, Key=key, UploadId=upload_id, PartNumber=number, Body=body)
        return answer["ETag"].strip('"')

    def complete(self, key: str, upload_id: str, etags: list[str]) -> str:
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, start=1)]
        answer = self.client.complete_multipart_upload(
            Bucket=self.other, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}
        )
        return answer["ETag"].strip('"')

    def upload(self, key: str, parts: list[bytes]) -> str:
        """A finished multipart upload; its ETag."""
        upload_id = self.start(key)
        return self.complete(key, upload_id, [self.send(key, upload_id, n, p) for n, p in enumerate(parts, start=1)])

    def presigned_copy(
        self, key: str, upload_id: str, *, number: int = 1, source: str, first: int, last: int, etag: str
    ) -> tuple[str, dict[str, str]]:
        """What Synapse hands out for one part of a copy (contract 8.5)."""
        headers = {
            "x-amz-copy-source": f"{self.bucket}/{source}",
            "x-amz-copy-source-range": f"bytes={first}-{last}",
            "x-amz-copy-source-if-match": etag,
        }
        address = self.client.generate_presigned_url(
            "upload_part_copy",
            Params={
                "Bucket": self.other,
                "Key": key,
                "UploadId": upload_id,
                "PartNumber": number,
                "CopySource": headers["x-amz-copy-source"],
                "CopySourceRange": headers["x-amz-copy-source-range"],
                "CopySourceIfMatch": etag,
            },
            ExpiresIn=900,
        )
        return address, headers


@pytest.fixture
def s3(_running: Server, request: pytest.FixtureRequest) -> Iterator[S3]:
    needed = getattr(request.function, "needed", None)
    if needed in _running.lacks:
        reason = f"{_running.name} is known to deviate: {needed.value}"
        request.node.add_marker(pytest.mark.xfail(strict=True, reason=reason))
    client = _running.client()
    names = [f"contract-{next(_NUMBERS)}-{role}" for role in ("source", "destination")]
    for name in names:
        client.create_bucket(Bucket=name)
    yield S3(_running, client, *names)
    client.close()


def needs(capability: Can) -> Callable[[F], F]:
    """This test must fail on a server that is declared to lack the capability."""

    def declare(function: F) -> F:
        function.needed = capability  # type: ignore[attr-defined]
        return function

    return declare


def code_of(call: Any, **arguments: Any) -> str:
    """The error code of a call that must fail."""
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    return raised.value.response["Error"]["Code"]


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def multipart_etag(parts: list[bytes]) -> str:
    return f"{md5(b''.join(hashlib.md5(part).digest() for part in parts))}-{len(parts)}"


def xml_code(answer: httpx.Response) -> str:
    found = ET.fromstring(answer.content).find("{*}Code")
    return "" if found is None else found.text or ""


def copied_etag(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    found = ET.fromstring(answer.content).find("{*}ETag")
    assert found is not None, answer.text
    return (found.text or "").strip('"')


def pattern(size: int, seed: int = 0) -> bytes:
    """Bytes without repetition at any plausible part boundary."""
    return hashlib.shake_128(str(seed).encode()).digest(size)


# ---------------------------------------------------------------------------- objects


def test_an_object_comes_back_as_it_was_put(s3):
    etag = s3.put("a.csv", b"x,y\n", ContentType="text/csv", ContentDisposition='attachment; filename="a.csv"')
    head = s3.client.head_object(Bucket=s3.bucket, Key="a.csv")

    assert md5(b"x,y\n") == etag
    assert b"x,y\n" == s3.body("a.csv")
    assert (4, "text/csv", 'attachment; filename="a.csv"') == (
        head["ContentLength"],
        head["ContentType"],
        head["ContentDisposition"],
    )


def test_metadata_comes_back(s3):
    s3.put("a", b"a", Metadata={"origin": "lab 7"})

    assert {"origin": "lab 7"} == s3.client.head_object(Bucket=s3.bucket, Key="a")["Metadata"]


def test_an_empty_object_is_an_object(s3):
    assert md5(b"") == s3.put("empty", b"")
    assert b"" == s3.body("empty")


def test_a_missing_object_is_a_404(s3):
    assert "NoSuchKey" == code_of(s3.client.get_object, Bucket=s3.bucket, Key="missing")
    assert "404" == code_of(s3.client.head_object, Bucket=s3.bucket, Key="missing")


def test_a_missing_bucket_is_a_404(s3):
    assert "NoSuchBucket" == code_of(s3.client.get_object, Bucket="contract-no-such-bucket", Key="a")


@pytest.mark.parametrize(
    ("asked", "expected"), [("bytes=2-4", b"234"), ("bytes=7-", b"789"), ("bytes=-3", b"789"), ("bytes=8-99", b"89")]
)
def test_a_range_is_answered_with_just_that(s3, asked, expected):
    s3.put("digits", b"0123456789")
    answer = s3.client.get_object(Bucket=s3.bucket, Key="digits", Range=asked)

    assert expected == answer["Body"].read()
    assert 206 == answer["ResponseMetadata"]["HTTPStatusCode"]
    assert answer["ContentRange"].endswith("/10")


def test_a_range_behind_the_end_is_a_416(s3):
    s3.put("digits", b"0123456789")

    assert "InvalidRange" == code_of(s3.client.get_object, Bucket=s3.bucket, Key="digits", Range="bytes=10-12")


@pytest.mark.parametrize(
    "key", ["a b.txt", "a+b.txt", "größe/測定値.txt", "100%.txt", "a&b=c;d.txt", "it's (1).txt", "q?#.txt", "x" * 200]
)
def test_any_name_is_stored_listed_copied_and_removed(s3, key):
    s3.put(key, b"content")
    s3.client.copy_object(Bucket=s3.other, Key=key, CopySource={"Bucket": s3.bucket, "Key": key})

    assert [key] == [one["Key"] for one in s3.client.list_objects_v2(Bucket=s3.bucket)["Contents"]]
    assert b"content" == s3.body(key, s3.other)
    s3.client.delete_object(Bucket=s3.bucket, Key=key)
    assert 0 == s3.client.list_objects_v2(Bucket=s3.bucket)["KeyCount"]


def test_listing_pages_through_everything_once_in_order(s3):
    keys = [f"p/{number:03d}" for number in range(25)]
    for key in [*keys, "q"]:
        s3.put(key, b"")
    pages = s3.client.get_paginator("list_objects_v2").paginate(
        Bucket=s3.bucket, Prefix="p/", PaginationConfig={"PageSize": 7}
    )

    assert keys == [one["Key"] for page in pages for one in page["Contents"]]


def test_the_older_listing_pages_through_everything_too(s3):
    for key in ["a", "b/1", "b/2", "c/1", "d"]:
        s3.put(key, b"")
    pages = s3.client.get_paginator("list_objects").paginate(
        Bucket=s3.bucket, Delimiter="/", PaginationConfig={"PageSize": 1}
    )

    seen = [[one.get("Key") or one["Prefix"] for one in p.get("Contents", p.get("CommonPrefixes", []))] for p in pages]
    assert [["a"], ["b/"], ["c/"], ["d"]] == [page for page in seen if page]


def test_listing_rolls_up_folders(s3):
    for key in ["a", "b/1", "b/2", "c/d/1"]:
        s3.put(key, b"")
    answer = s3.client.list_objects_v2(Bucket=s3.bucket, Delimiter="/")

    assert ["a"] == [one["Key"] for one in answer["Contents"]]
    assert ["b/", "c/"] == [one["Prefix"] for one in answer["CommonPrefixes"]]


def test_removing_is_idempotent_alone_and_in_numbers(s3):
    for key in ["a", "b", "c"]:
        s3.put(key, b"")
    s3.client.delete_object(Bucket=s3.bucket, Key="a")
    s3.client.delete_object(Bucket=s3.bucket, Key="a")
    s3.client.delete_objects(Bucket=s3.bucket, Delete={"Objects": [{"Key": "b"}, {"Key": "missing"}]})

    assert ["c"] == [one["Key"] for one in s3.client.list_objects_v2(Bucket=s3.bucket)["Contents"]]


def test_writing_can_be_conditional_on_there_being_nothing(s3):
    s3.put("once", b"first", IfNoneMatch="*")

    refused = code_of(s3.client.put_object, Bucket=s3.bucket, Key="once", Body=b"second", IfNoneMatch="*")
    assert "PreconditionFailed" == refused
    assert b"first" == s3.body("once")


def test_reading_can_be_conditional_on_the_etag(s3):
    etag = s3.put("a", b"a")

    assert b"a" == s3.body("a", IfMatch=etag)
    assert "PreconditionFailed" == code_of(s3.client.get_object, Bucket=s3.bucket, Key="a", IfMatch=md5(b"b"))


# ---------------------------------------------------------------------------- integrity


def test_a_wrong_content_md5_stores_nothing(s3):
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()

    assert "BadDigest" == code_of(s3.client.put_object, Bucket=s3.bucket, Key="a", Body=b"a", ContentMD5=wrong)
    assert 0 == s3.client.list_objects_v2(Bucket=s3.bucket)["KeyCount"]


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256"])
def test_a_right_checksum_is_kept_and_a_wrong_one_stores_nothing(s3, algorithm):
    right = {"CRC32": "y/Q5Jg==", "CRC32C": "4waSgw==", "SHA1": "98O8HTCOBHYCinH/IncnOkcFHp4="}
    right["SHA256"] = base64.b64encode(hashlib.sha256(b"123456789").digest()).decode()
    right["SHA1"] = base64.b64encode(hashlib.sha1(b"123456789").digest()).decode()
    name = f"Checksum{algorithm}"
    s3.client.put_object(Bucket=s3.bucket, Key="good", Body=b"123456789", **{name: right[algorithm]})

    head = s3.client.head_object(Bucket=s3.bucket, Key="good", ChecksumMode="ENABLED")
    assert right[algorithm] == head[name]
    with pytest.raises(ClientError):
        s3.client.put_object(Bucket=s3.bucket, Key="bad", Body=b"12345678X", **{name: right[algorithm]})
    assert "404" == code_of(s3.client.head_object, Bucket=s3.bucket, Key="bad")


def test_a_body_that_was_changed_on_the_way_is_refused(s3):
    """The signature covers the SHA-256 of the body."""

    def change(request: Any, **_: Any) -> None:
        request.body = b"changed"

    s3.client.meta.events.register("before-send.s3.PutObject", change)

    with pytest.raises(ClientError) as raised:
        s3.client.put_object(Bucket=s3.bucket, Key="a", Body=b"origin!")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)


@needs(Can.DESCRIBE_CHECKSUM)
def test_attributes_tell_size_checksum_and_parts(s3):
    parts = [pattern(5 * MIB), b"end"]
    upload_id = s3.start("a", ChecksumAlgorithm="CRC32")
    sent = [
        s3.client.upload_part(
            Bucket=s3.other, Key="a", UploadId=upload_id, PartNumber=n, Body=part, ChecksumAlgorithm="CRC32"
        )
        for n, part in enumerate(parts, start=1)
    ]
    listed = [
        {"PartNumber": n, "ETag": one["ETag"], "ChecksumCRC32": one["ChecksumCRC32"]}
        for n, one in enumerate(sent, start=1)
    ]
    s3.client.complete_multipart_upload(Bucket=s3.other, Key="a", UploadId=upload_id, MultipartUpload={"Parts": listed})
    asked = ["ETag", "Checksum", "ObjectParts", "ObjectSize"]
    answer = s3.client.get_object_attributes(Bucket=s3.other, Key="a", ObjectAttributes=asked)

    assert 5 * MIB + 3 == answer["ObjectSize"]
    assert 2 == answer["ObjectParts"]["TotalPartsCount"]
    assert "COMPOSITE" == answer["Checksum"]["ChecksumType"]
    assert [one["ChecksumCRC32"] for one in sent] == [one["ChecksumCRC32"] for one in answer["ObjectParts"]["Parts"]]


# ---------------------------------------------------------------------------- signatures


def test_a_wrong_secret_is_refused(s3):
    stranger = s3.server.client(Keys(s3.server.owner.access, "not-the-secret"))

    assert "SignatureDoesNotMatch" == code_of(stranger.list_objects_v2, Bucket=s3.bucket)
    stranger.close()


def test_an_unknown_key_is_refused(s3):
    stranger = s3.server.client(Keys("NOBODY", "nothing"))

    assert "InvalidAccessKeyId" == code_of(stranger.list_objects_v2, Bucket=s3.bucket)
    stranger.close()


def test_nobody_without_a_signature_reads_anything(s3):
    s3.put("a", b"a")

    assert 403 == httpx.get(f"{s3.server.url}/{s3.bucket}/a").status_code


def test_a_presigned_address_serves_its_object_and_its_ranges(s3):
    s3.put("a b+ü.txt", b"0123456789")
    address = s3.client.generate_presigned_url("get_object", Params={"Bucket": s3.bucket, "Key": "a b+ü.txt"})

    assert b"0123456789" == httpx.get(address).content
    assert b"234" == httpx.get(address, headers={"Range": "bytes=2-4"}).content


def test_a_presigned_address_serves_nothing_else(s3):
    s3.put("a", b"a")
    s3.put("b", b"b")
    address = s3.client.generate_presigned_url("get_object", Params={"Bucket": s3.bucket, "Key": "a"})

    assert 403 == httpx.get(address.replace(f"{s3.bucket}/a", f"{s3.bucket}/b")).status_code
    assert 403 == httpx.head(address).status_code
    assert 403 == httpx.put(address, content=b"x").status_code
    assert 403 == httpx.get(address.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200")).status_code


def test_a_presigned_address_ends(s3):
    s3.put("a", b"a")
    address = s3.client.generate_presigned_url("get_object", Params={"Bucket": s3.bucket, "Key": "a"}, ExpiresIn=1)
    time.sleep(2.2)
    answer = httpx.get(address)

    assert (403, "AccessDenied") == (answer.status_code, xml_code(answer))


def test_a_presigned_part_takes_bytes(s3):
    upload_id = s3.start("a")
    address = s3.client.generate_presigned_url(
        "upload_part", Params={"Bucket": s3.other, "Key": "a", "UploadId": upload_id, "PartNumber": 1}
    )
    answer = httpx.put(address, content=b"part")

    assert (200, md5(b"part")) == (answer.status_code, answer.headers["etag"].strip('"'))
    s3.complete("a", upload_id, [md5(b"part")])
    assert b"part" == s3.body("a", s3.other)


# ---------------------------------------------------------------------------- multipart


def test_the_etag_of_a_multipart_upload_is_the_md5_of_its_parts_md5s(s3):
    parts = [pattern(5 * MIB), pattern(5 * MIB, 1), b"end"]

    assert multipart_etag(parts) == s3.upload("a", parts)
    assert b"".join(parts) == s3.body("a", s3.other)


def test_one_part_still_makes_a_multipart_etag(s3):
    assert multipart_etag([b"only"]) == s3.upload("a", [b"only"])


def test_small_parts_are_refused_unless_last(s3):
    upload_id = s3.start("a")
    etags = [s3.send("a", upload_id, number, b"small") for number in (1, 2)]

    with pytest.raises(ClientError, match="EntityTooSmall"):
        s3.complete("a", upload_id, etags)


def test_a_wrong_etag_in_the_list_is_refused(s3):
    upload_id = s3.start("a")
    s3.send("a", upload_id, 1, b"part")

    with pytest.raises(ClientError, match="InvalidPart"):
        s3.complete("a", upload_id, [md5(b"other")])


def test_parts_out_of_order_are_refused(s3):
    upload_id = s3.start("a")
    etags = {number: s3.send("a", upload_id, number, pattern(5 * MIB, number)) for number in (1, 2)}
    parts = [{"PartNumber": number, "ETag": etags[number]} for number in (2, 1)]

    refused = code_of(
        s3.client.complete_multipart_upload,
        Bucket=s3.other,
        Key="a",
        UploadId=upload_id,
        MultipartUpload={"Parts": parts},
    )
    assert "InvalidPartOrder" == refused


def test_an_aborted_upload_takes_no_more_parts(s3):
    upload_id = s3.start("a")
    s3.client.abort_multipart_upload(Bucket=s3.other, Key="a", UploadId=upload_id)

    with pytest.raises(ClientError, match="NoSuchUpload"):
        s3.send("a", upload_id, 1, b"late")


def test_unfinished_uploads_and_their_parts_can_be_listed(s3):
    upload_id = s3.start("a")
    etag = s3.send("a", upload_id, 3, b"part")
    uploads = s3.client.list_multipart_uploads(Bucket=s3.other)["Uploads"]
    parts = s3.client.list_parts(Bucket=s3.other, Key="a", UploadId=upload_id)["Parts"]

    assert [("a", upload_id)] == [(one["Key"], one["UploadId"]) for one in uploads]
    assert [(3, etag, 4)] == [(one["PartNumber"], one["ETag"].strip('"'), one["Size"]) for one in parts]


def test_the_transfer_manager_works_both_ways_and_between_buckets(s3):
    data = pattern(12 * MIB)
    in_parts = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=3)
    s3.client.upload_fileobj(io.BytesIO(data), s3.bucket, "big", Config=in_parts)
    s3.client.copy({"Bucket": s3.bucket, "Key": "big"}, s3.other, "copy", Config=in_parts)
    fetched = io.BytesIO()
    s3.client.download_fileobj(s3.other, "copy", fetched, Config=in_parts)

    assert data == fetched.getvalue()


# ---------------------------------------------------------------------------- copies


def test_a_presigned_copy_moves_a_range_without_a_body(s3):
    data = pattern(6 * MIB)
    etag = s3.put("source", data)
    upload_id = s3.start("copy")
    address, headers = s3.presigned_copy("copy", upload_id, source="source", first=0, last=len(data) - 1, etag=etag)

    part = copied_etag(httpx.put(address, headers=headers))
    s3.complete("copy", upload_id, [part])

    assert data == s3.body("copy", s3.other)


def test_a_copy_of_a_small_object_has_its_md5_for_a_part_etag(s3):
    etag = s3.put("source", b"small but whole")
    upload_id = s3.start("copy")
    address, headers = s3.presigned_copy("copy", upload_id, source="source", first=0, last=14, etag=etag)

    assert md5(b"small but whole") == copied_etag(httpx.put(address, headers=headers))


@needs(Can.DIGEST_PARTS)
def test_a_copied_range_has_the_md5_of_its_bytes_for_a_part_etag(s3):
    data = pattern(12 * MIB)
    etag = s3.put("source", data)
    upload_id = s3.start("copy")
    address, headers = s3.presigned_copy("copy", upload_id, source="source", first=MIB, last=7 * MIB, etag=etag)

    assert md5(data[MIB : 7 * MIB + 1]) == copied_etag(httpx.put(address, headers=headers))


def test_a_copy_cut_like_its_source_has_its_sources_etag(s3):
    parts = [pattern(6 * MIB), pattern(6 * MIB, 1), b"end"]
    data = b"".join(parts)
    in_parts = TransferConfig(multipart_threshold=MIB, multipart_chunksize=6 * MIB)
    s3.client.upload_fileobj(io.BytesIO(data), s3.bucket, "source", Config=in_parts)
    etag = s3.client.head_object(Bucket=s3.bucket, Key="source")["ETag"].strip('"')
    upload_id = s3.start("copy")
    etags = []
    for number, first in enumerate(range(0, len(data), 6 * MIB), start=1):
        last = min(first + 6 * MIB, len(data)) - 1
        address, headers = s3.presigned_copy(
            "copy", upload_id, number=number, source="source", first=first, last=last, etag=etag
        )
        etags.append(copied_etag(httpx.put(address, headers=headers)))

    assert etag == s3.complete("copy", upload_id, etags)


def test_the_right_etag_of_a_multipart_source_is_accepted(s3):
    in_parts = TransferConfig(multipart_threshold=MIB, multipart_chunksize=5 * MIB)
    s3.client.upload_fileobj(io.BytesIO(pattern(6 * MIB)), s3.bucket, "source", Config=in_parts)
    etag = s3.client.head_object(Bucket=s3.bucket, Key="source")["ETag"].strip('"')
    upload_id = s3.start("copy")
    address, headers = s3.presigned_copy("copy", upload_id, source="source", first=0, last=6 * MIB - 1, etag=etag)

    assert etag.endswith("-2")
    assert 200 == httpx.put(address, headers=headers).status_code


def test_a_source_that_changed_is_a_412(s3):
    etag = s3.put("source", b"as it was")
    upload_id = s3.start("copy")
    address, headers = s3.presigned_copy("copy", upload_id, source="source", first=0, last=3, etag=etag)
    s3.put("source", b"as it is now")
    answer = httpx.put(address, headers=headers)

    assert (412, "PreconditionFailed") == (answer.status_code, xml_code(answer))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-amz-copy-source-range", "bytes=0-4"),
        ("x-amz-copy-source-range", None),
        ("x-amz-copy-source", "elsewhere/secret"),
        ("x-amz-copy-source", None),
        ("x-amz-copy-source-if-match", md5(b"")),
        ("x-amz-copy-source-if-match", None),
    ],
)
def test_every_signed_header_must_be_sent_as_it_was_signed(s3, name, value):
    etag = s3.put("source", b"0123456789")
    upload_id = s3.start("copy")
    address, headers = s3.presigned_copy("copy", upload_id, source="source", first=0, last=9, etag=etag)
    altered = {key: text for key, text in {**headers, name: value}.items() if text is not None}

    assert httpx.put(address, headers=altered).status_code in (400, 403)


def test_headers_that_were_not_signed_are_refused(s3):
    etag = s3.put("source", b"0123456789")
    upload_id = s3.start("copy")
    address, headers = s3.presigned_copy("copy", upload_id, source="source", first=0, last=9, etag=etag)

    assert 403 == httpx.put(address, headers={**headers, "x-amz-storage-class": "GLACIER"}).status_code


def test_a_range_beyond_the_source_is_refused(s3):
    etag = s3.put("source", b"0123456789")
    upload_id = s3.start("copy")
    address, headers = s3.presigned_copy("copy", upload_id, source="source", first=5, last=10, etag=etag)
    answer = httpx.put(address, headers=headers)

    assert answer.status_code in (400, 416), answer.text


def test_a_missing_source_is_a_404(s3):
    upload_id = s3.start("copy")
    address, headers = s3.presigned_copy("copy", upload_id, source="missing", first=0, last=1, etag=md5(b""))

    assert 404 == httpx.put(address, headers=headers).status_code


def test_a_copy_into_an_unknown_upload_is_refused(s3):
    etag = s3.put("source", b"0123456789")
    upload_id = s3.start("copy")
    s3.client.abort_multipart_upload(Bucket=s3.other, Key="copy", UploadId=upload_id)
    address, headers = s3.presigned_copy("copy", upload_id, source="source", first=0, last=9, etag=etag)
    answer = httpx.put(address, headers=headers)

    assert (404, "NoSuchUpload") == (answer.status_code, xml_code(answer))


def test_copying_an_object_keeps_or_replaces_what_it_says_about_itself(s3):
    s3.put("source", b"data", ContentType="text/csv", Metadata={"a": "1"})
    source = {"Bucket": s3.bucket, "Key": "source"}
    s3.client.copy_object(Bucket=s3.other, Key="kept", CopySource=source)
    s3.client.copy_object(
        Bucket=s3.other,
        Key="replaced",
        CopySource=source,
        MetadataDirective="REPLACE",
        ContentType="text/plain",
        Metadata={"b": "2"},
    )
    kept, replaced = (s3.client.head_object(Bucket=s3.other, Key=key) for key in ("kept", "replaced"))

    assert ("text/csv", {"a": "1"}) == (kept["ContentType"], kept["Metadata"])
    assert ("text/plain", {"b": "2"}) == (replaced["ContentType"], replaced["Metadata"])
    assert md5(b"data") == kept["ETag"].strip('"')


def test_copying_an_object_can_be_conditional_on_its_etag(s3):
    etag = s3.put("source", b"data")
    source = {"Bucket": s3.bucket, "Key": "source"}
    s3.client.copy_object(Bucket=s3.other, Key="copy", CopySource=source, CopySourceIfMatch=etag)

    refused = code_of(
        s3.client.copy_object, Bucket=s3.other, Key="no", CopySource=source, CopySourceIfMatch=md5(b"other")
    )
    assert "PreconditionFailed" == refused


# ---------------------------------------------------------------------------- temporary credentials


def test_a_session_works_below_its_prefix_only(s3):
    session = s3.server.client(s3.server.session(s3.other, "lab", False))
    s3.put("lab/elsewhere", b"x")
    session.put_object(Bucket=s3.other, Key="lab/a", Body=b"a")

    assert b"a" == session.get_object(Bucket=s3.other, Key="lab/a")["Body"].read()
    assert "AccessDenied" == code_of(session.put_object, Bucket=s3.other, Key="laboratory", Body=b"a")
    assert "AccessDenied" == code_of(session.get_object, Bucket=s3.bucket, Key="lab/elsewhere")
    source = {"Bucket": s3.bucket, "Key": "lab/elsewhere"}
    assert "AccessDenied" == code_of(session.copy_object, Bucket=s3.other, Key="lab/b", CopySource=source)
    session.close()


def test_a_read_only_session_writes_nothing(s3):
    s3.client.put_object(Bucket=s3.other, Key="lab/a", Body=b"a")
    session = s3.server.client(s3.server.session(s3.other, "lab", True))

    assert b"a" == session.get_object(Bucket=s3.other, Key="lab/a")["Body"].read()
    assert "AccessDenied" == code_of(session.put_object, Bucket=s3.other, Key="lab/b", Body=b"b")
    assert "AccessDenied" == code_of(session.delete_object, Bucket=s3.other, Key="lab/a")
    session.close()


def test_temporary_keys_are_worth_nothing_without_their_token(s3):
    issued = s3.server.session(s3.other, "lab", False)
    tokenless = s3.server.client(Keys(issued.access, issued.secret))

    with pytest.raises(ClientError) as raised:
        tokenless.put_object(Bucket=s3.other, Key="lab/a", Body=b"a")
    assert 403 == raised.value.response["ResponseMetadata"]["HTTPStatusCode"]
    tokenless.close()


def test_a_session_presigns_addresses_that_work(s3):
    s3.client.put_object(Bucket=s3.other, Key="lab/a", Body=b"a")
    session = s3.server.client(s3.server.session(s3.other, "lab", True))
    address = session.generate_presigned_url("get_object", Params={"Bucket": s3.other, "Key": "lab/a"})

    assert b"a" == httpx.get(address).content
    session.close()


@needs(Can.TELL_REGION)
def test_a_bucket_tells_its_region(s3):
    assert "us-east-1" == s3.client.head_bucket(Bucket=s3.bucket)["BucketRegion"]
