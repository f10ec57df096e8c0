"""What our S3 server does that no small real server can be asked for: huge objects, faults, a moved clock, regions."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.clock import SandboxClock
from sandbox.faults import FaultKind, FaultRule
from sandbox.objects.access import Credential
from sandbox.objects.parts import multipart_etag
from sandbox.objects.records import Attributes
from sandbox.objects.s3_app import S3App
from sandbox.objects.store import ObjectStore

MIB, GIB = 1024**2, 1024**3
DECLARED = "0123456789abcdef0123456789abcdef"
HOST = "http://s3.test"


class Service:
    """The server without a network, and a client that signs with botocore."""

    def __init__(self) -> None:
        self.clock = SandboxClock(wait_scale=0)
        self.store = ObjectStore(clock=self.clock)
        self.store.endpoint_url = HOST
        self.app = S3App(self.store)
        for name, region in [("source", "us-east-1"), ("destination", "us-east-1"), ("far", "eu-central-1")]:
            self.store.create_bucket(name, region=region)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=self.app), base_url=HOST)

    def send(self, method: str, url: str, **more: Any) -> httpx.Response:
        """One call as it is, for presigned addresses."""

        async def sending() -> httpx.Response:
            async with self.client() as client:
                return await client.request(method, url, **more)

        return asyncio.run(sending())

    def signed(
        self, method: str, path: str, *, by: Credential | None = None, region: str = "us-east-1", **headers: str
    ) -> httpx.Response:
        """One call signed in the header."""
        who = by or self.store.owner
        request = AWSRequest(method=method, url=HOST + path, headers=headers)
        keys = Credentials(who.access_key, who.secret_key, who.session_token)
        S3SigV4Auth(keys, "s3", region).add_auth(request)
        return self.send(method, HOST + path, headers=dict(request.headers))

    def copy_part(self, key: str, upload_id: str, first: int, last: int, *, number: int = 1) -> httpx.Response:
        """A presigned part copy of source/key into destination/key."""
        address, headers = self.store.presign_copy_part(
            "destination",
            key,
            upload_id,
            number,
            source_bucket="source",
            source_key=key,
            first_byte=first,
            last_byte=last,
            source_etag=self.store.head("source", key, by=self.store.owner).etag,
        )
        return self.send("PUT", address, headers=headers)


@pytest.fixture
def s3() -> Service:
    return Service()


def told(answer: httpx.Response, name: str = "Code") -> str:
    """The text of a member of an XML answer."""
    found = ET.fromstring(answer.content).find(f"{{*}}{name}")
    return (found.text or "").strip('"') if found is not None else ""


def run(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(work())


# ---------------------------------------------------------------------------- size


def test_thirty_gigabytes_are_copied_part_by_part_for_nothing(s3):
    size, part_size = 30 * GIB, 2 * GIB
    source = s3.store.put_virtual("source", "genome", size=size, md5=DECLARED, part_size=part_size)
    upload_id = s3.store.start_upload("destination", "genome")
    etags = [
        (number, told(s3.copy_part("genome", upload_id, start, start + part_size - 1, number=number), "ETag"))
        for number, start in enumerate(range(0, size, part_size), start=1)
    ]
    copy = s3.store.complete_upload("destination", "genome", upload_id, etags)

    assert (source.etag, size, DECLARED) == (copy.etag, copy.size, copy.content.whole_digest())


def test_one_request_copies_five_gib_and_not_a_byte_more(s3):
    s3.store.put_virtual("source", "big", size=5 * GIB + 1, md5=DECLARED)
    upload_id = s3.store.start_upload("destination", "big")

    assert "InvalidRequest" == told(s3.copy_part("big", upload_id, 0, 5 * GIB))
    assert 200 == s3.copy_part("big", upload_id, 0, 5 * GIB - 1).status_code
    refused = s3.signed("PUT", "/destination/whole", **{"x-amz-copy-source": "source/big"})
    assert (400, "InvalidRequest") == (refused.status_code, told(refused))


def test_an_object_of_exactly_five_gib_is_copied_whole(s3):
    s3.store.put_virtual("source", "big", size=5 * GIB, md5=DECLARED)

    answer = s3.signed("PUT", "/destination/whole", **{"x-amz-copy-source": "source/big"})

    assert (200, DECLARED) == (answer.status_code, told(answer, "ETag"))


def test_a_body_above_five_gib_is_refused_before_it_is_read(s3):
    answer = s3.signed("PUT", "/destination/big", **{"content-length": str(5 * GIB + 1)})

    assert "EntityTooLarge" == told(answer)


def test_a_range_of_a_huge_object_is_read_at_once(s3):
    s3.store.put_virtual("source", "big", size=30 * GIB, md5=DECLARED, seed=3)
    first = 29 * GIB

    answer = s3.signed("GET", "/source/big", Range=f"bytes={first}-{first + 99}")

    expected = b"".join(s3.store.head("source", "big").content.read(first, first + 99))
    assert (206, expected) == (answer.status_code, answer.content)


def test_a_part_of_an_object_can_be_asked_for_by_number(s3):
    s3.store.put_virtual("source", "big", size=20 * MIB, md5=DECLARED, part_size=8 * MIB)

    answer = s3.signed("HEAD", "/source/big?partNumber=3")

    assert ("3", str(4 * MIB)) == (answer.headers["x-amz-mp-parts-count"], answer.headers["content-length"])


def test_copies_take_their_time_together_not_one_after_the_other(s3):
    """Each copy waits for its own bytes; the server serves the others meanwhile."""
    waits: list[float] = []

    class Counting(SandboxClock):
        async def wait(self, seconds: float) -> None:
            waits.append(seconds)
            await asyncio.sleep(0.05)

    s3.store.clock = Counting()
    s3.store.copy_bytes_per_second = 100 * MIB
    s3.store.put_virtual("source", "big", size=8 * GIB, md5=DECLARED)
    upload_id = s3.store.start_upload("destination", "big")
    requests = [
        s3.store.presign_copy_part(
            "destination",
            "big",
            upload_id,
            number,
            source_bucket="source",
            source_key="big",
            first_byte=(number - 1) * GIB,
            last_byte=number * GIB - 1,
            source_etag=DECLARED,
        )
        for number in range(1, 9)
    ]

    async def all_at_once() -> float:
        async with s3.client() as client:
            began = asyncio.get_running_loop().time()
            answers = await asyncio.gather(*(client.put(url, headers=headers) for url, headers in requests))
            assert [200] * 8 == [answer.status_code for answer in answers]
            return asyncio.get_running_loop().time() - began

    assert run(all_at_once) < 8 * 0.05
    assert [10.24] * 8 == waits


# ---------------------------------------------------------------------------- time and place


def test_a_moved_clock_ends_presigned_addresses(s3):
    s3.store.put("source", "a", b"a")
    address = s3.store.presign_get("source", "a")
    s3.clock.shift += timedelta(seconds=29)
    assert 200 == s3.send("GET", address).status_code

    s3.clock.shift += timedelta(seconds=3)
    answer = s3.send("GET", address)

    assert (403, "AccessDenied", "Request has expired") == (answer.status_code, told(answer), told(answer, "Message"))


def test_a_moved_clock_does_not_lock_out_clients_that_sign_by_their_own(s3):
    s3.store.put("source", "a", b"a")
    s3.clock.shift = timedelta(days=40)

    assert 200 == s3.signed("GET", "/source/a").status_code


def test_a_moved_clock_ends_sessions(s3):
    s3.store.put("source", "lab/a", b"a")
    session = s3.store.issue_session("source", "lab", read_only=True, seconds=3600)
    assert 200 == s3.signed("GET", "/source/lab/a", by=session).status_code

    s3.clock.shift = timedelta(hours=1, seconds=1)

    assert "ExpiredToken" == told(s3.signed("GET", "/source/lab/a", by=session))


def test_a_session_never_reaches_the_ownership_proof(s3):
    s3.store.put("source", "lab/owner.txt", b"steward")
    session = s3.store.issue_session("source", "lab", read_only=False)

    assert 403 == s3.signed("GET", "/source/lab/owner.txt", by=session).status_code
    assert 403 == s3.signed("DELETE", "/source/lab/owner.txt", by=session).status_code


def test_a_call_signed_for_another_region_names_the_right_one(s3):
    answer = s3.signed("PUT", "/far/a", region="us-east-1")

    assert (400, "AuthorizationHeaderMalformed") == (answer.status_code, told(answer))
    assert "eu-central-1" == told(answer, "Region") == answer.headers["x-amz-bucket-region"]
    assert 200 == s3.signed("PUT", "/far/a", region="eu-central-1").status_code


def test_the_addresses_synapse_hands_out_obey_the_buckets_switches(s3):
    s3.store.put("source", "a", b"a")
    address = s3.store.presign_get("source", "a")
    s3.store.bucket("source").readable_by_synapse = False

    assert (403, "AccessDenied") == ((answer := s3.send("GET", address)).status_code, told(answer))


def test_archived_bytes_are_out_of_reach_for_reads_and_copies(s3):
    s3.store.put("source", "a", b"a", attributes=Attributes(storage_class="DEEP_ARCHIVE"))
    upload_id = s3.store.start_upload("destination", "a")

    assert "InvalidObjectState" == told(s3.signed("GET", "/source/a"))
    assert "InvalidObjectState" == told(s3.copy_part("a", upload_id, 0, 0))
    assert "DEEP_ARCHIVE" == s3.signed("HEAD", "/source/a").headers["x-amz-storage-class"]


def test_a_bucket_with_opaque_etags_says_that_it_encrypts(s3):
    s3.store.create_bucket("destination").has_opaque_etags = True
    s3.store.put("destination", "a", b"a")

    assert "aws:kms" == s3.signed("HEAD", "/destination/a").headers["x-amz-server-side-encryption"]


def test_a_download_carries_the_name_and_type_synapse_signed(s3):
    s3.store.put("source", "a", b"a")
    address = s3.store.presign_get("source", "a", content_type="text/csv", disposition="attachment; filename=ä.csv")
    answer = s3.send("GET", address)

    assert "text/csv" == answer.headers["content-type"]
    assert "attachment; filename=ä.csv" == answer.headers["content-disposition"]


# ---------------------------------------------------------------------------- faults


def test_slow_down_is_answered_as_s3_does_it_and_only_as_often_as_planned(s3):
    s3.store.put("source", "a", b"a")
    s3.app.faults.add(FaultRule(kind=FaultKind.STATUS_BEFORE, path="^/source/a", times=2, status=503))
    address = s3.store.presign_get("source", "a")

    answers = [s3.send("GET", address) for _ in range(3)]

    assert [503, 503, 200] == [answer.status_code for answer in answers]
    assert "SlowDown" == told(answers[0])


def test_a_copy_can_fail_with_a_200(s3):
    """The status was sent before the copy failed (contract 8.5)."""
    s3.store.put("source", "a", b"a")
    upload_id = s3.store.start_upload("destination", "a")
    s3.app.faults.add(FaultRule(kind=FaultKind.STATUS_BEFORE, method="PUT", path="partNumber=1", status=200))
    answer = s3.copy_part("a", upload_id, 0, 0)

    assert (200, "InternalError") == (answer.status_code, told(answer))
    assert {} == s3.store.upload("destination", "a", upload_id).parts


def test_an_answer_can_be_lost_after_the_work_is_done(s3):
    s3.store.put("source", "a", b"a")
    upload_id = s3.store.start_upload("destination", "a")
    s3.app.faults.add(FaultRule(kind=FaultKind.STATUS_AFTER, status=500))

    assert 500 == s3.copy_part("a", upload_id, 0, 0).status_code
    assert [1] == list(s3.store.upload("destination", "a", upload_id).parts)


def test_a_fault_can_speak_html(s3):
    rule = FaultRule(
        kind=FaultKind.STATUS_BEFORE, status=502, body="<html>bad gateway</html>", content_type="text/html"
    )
    s3.app.faults.add(rule)
    answer = s3.send("GET", f"{HOST}/source/a")

    assert (502, "text/html", "<html>bad gateway</html>") == (
        answer.status_code,
        answer.headers["content-type"],
        answer.text,
    )


# ---------------------------------------------------------------------------- bodies


def chunked(*chunks: bytes, trailer: str) -> bytes:
    """A body as boto3 sends it over TLS."""
    framed = b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks)
    return framed + b"0\r\n" + trailer.encode() + b"\r\n\r\n"


def put_chunked(s3: Service, body: bytes, size: int) -> httpx.Response:
    headers = {
        "content-encoding": "aws-chunked",
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": str(size),
        "x-amz-trailer": "x-amz-checksum-crc32",
        "x-amz-date": s3.clock.now().strftime("%Y%m%dT%H%M%SZ"),
    }
    owner = s3.store.owner
    request = AWSRequest(method="PUT", url=f"{HOST}/destination/a", headers=headers)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = S3SigV4Auth(Credentials(owner.access_key, owner.secret_key), "s3", "us-east-1")
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))
    return s3.send("PUT", f"{HOST}/destination/a", headers=dict(request.headers), content=body)


def test_a_chunked_body_is_stored_without_its_framing(s3):
    body = chunked(b"12345", b"6789", trailer="x-amz-checksum-crc32:y/Q5Jg==")

    assert 200 == put_chunked(s3, body, 9).status_code
    assert b"123456789" == s3.store.get("destination", "a").content.bytes()


@pytest.mark.parametrize(
    ("body", "size", "code"),
    [
        (chunked(b"12345678X", trailer="x-amz-checksum-crc32:y/Q5Jg=="), 9, "BadDigest"),
        (chunked(b"123456789", trailer=""), 9, "BadDigest"),
        (chunked(b"123456789", trailer="x-amz-checksum-crc32:y/Q5Jg=="), 10, "IncompleteBody"),
        (b"9\r\n1234", 9, "IncompleteBody"),
        (b"not a size\r\n", 9, "IncompleteBody"),
    ],
)
def test_a_broken_chunked_body_stores_nothing(s3, body, size, code):
    assert code == told(put_chunked(s3, body, size))
    assert s3.store.find("destination", "a") is None


def test_a_large_body_is_kept_in_a_file_and_digested_all_the_same(s3):
    data = hashlib.shake_128(b"large").digest(9 * MIB)
    upload_id = s3.store.start_upload("destination", "a")
    address, headers = s3.store.presign_put_part("destination", "a", upload_id, 1)
    answer = s3.send("PUT", address, headers=headers, content=data)
    stored = s3.store.complete_upload("destination", "a", upload_id, [(1, answer.headers["etag"])])

    assert multipart_etag([hashlib.md5(data).hexdigest()]) == stored.etag
    assert data == stored.content.bytes()
    assert 1 == len(list(s3.store.spool_folder.iterdir()))


def test_a_refused_body_leaves_no_file_behind(s3):
    upload_id = s3.store.start_upload("destination", "a")
    address, _ = s3.store.presign_put_part("destination", "a", upload_id, 1)

    answer = s3.send("PUT", address, headers={"content-md5": "AAAAAAAAAAAAAAAAAAAAAA=="}, content=bytes(9 * MIB))

    assert "BadDigest" == told(answer)
    assert [] == list(s3.store.spool_folder.iterdir())


def test_calls_are_counted_by_operation(s3):
    s3.store.put("source", "a", b"a")
    s3.signed("GET", "/source/a")
    s3.signed("HEAD", "/source/missing")

    assert {"GetObject": 1, "HeadObject": 1, "refused": 1} == dict(s3.store.calls)


def test_an_unknown_sub_resource_is_said_to_be_missing_here(s3):
    assert (501, "NotImplemented") == ((answer := s3.signed("GET", "/source?acl")).status_code, told(answer))
