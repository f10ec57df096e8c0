"""The engine `s3` where it differs from others: faults of S3 under its requests, leftovers, regions, registration."""

from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.faults import FaultKind, FaultRule
from sandbox.objects.records import Attributes
from sandbox.server import Sandbox
from storage_core.model.copies import Copied, CopyFailed, ProofLevel, ProofRung, ProvenCopy
from storage_core.model.items import ReasonCode
from tests.conformance.engine_bench import DESTINATION_BUCKET, MIB, SMALL_PARTS, Bench, s3_engine

pytestmark = pytest.mark.anyio
BYTES = bytes(range(256)) * 8192 * 6
OBJECTS = r"^/(?!repo/|file/|auth/|sandbox/)"


@pytest.fixture
def bench(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    for name, value in sandbox.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return Bench(sandbox=sandbox, folder=tmp_path, engine="s3")


def uploads_left(bench: Bench) -> list[str]:
    return [upload.key for upload in bench.sandbox.world.objects.uploads(DESTINATION_BUCKET)]


def error(code: str, status: int) -> dict[str, object]:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>planned</Message></Error>"
    return {"kind": FaultKind.STATUS_BEFORE, "status": status, "body": body}


PASSING = {
    "500": {"kind": FaultKind.STATUS_BEFORE, "status": 500},
    "500 after": {"kind": FaultKind.STATUS_AFTER, "status": 500},
    "slow down": error("SlowDown", 503),
    "denied once": error("AccessDenied", 403),
    "reset before": {"kind": FaultKind.DROP_BEFORE},
    "reset after": {"kind": FaultKind.DROP_AFTER},
    "cut short": {"kind": FaultKind.TRUNCATE},
    "error in 200": error("InternalError", 200),
}
REQUESTS = {
    "look": ("HEAD", OBJECTS + ".+/.+"),
    "copy": ("PUT", OBJECTS),
    "begin": ("POST", r"\?uploads"),
    "part": ("PUT", "partNumber="),
    "complete": ("POST", "uploadId="),
}


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("request_kind", REQUESTS)
async def test_what_passes_is_ridden_out_and_leaves_one_object(bench: Bench, fault: str, request_kind: str) -> None:
    method, path = REQUESTS[request_kind]
    limits = {} if request_kind in {"look", "copy"} else {"limits": SMALL_PARTS}
    bench.sandbox.faults.add(FaultRule(**{**PASSING[fault], "method": method, "path": path}))  # type: ignore[arg-type]

    outcome = await bench.copy(bench.real_file(BYTES), **limits)

    assert BYTES == bench.content_of(outcome).bytes()
    assert 1 == len(bench.new_objects)
    # the answer to a begin may be lost: that upload has no name for us, and its key says whose it is
    lost_begin = request_kind == "begin" and fault in {"500 after", "reset after", "cut short"}
    assert [] == uploads_left(bench) or lost_begin


@pytest.mark.parametrize(
    ("planned", "reason"),
    [
        (error("AccessDenied", 403), ReasonCode.NO_KEY_ACCESS),
        (error("NoSuchKey", 404), ReasonCode.SOURCE_UNREADABLE),
        (error("PreconditionFailed", 412), ReasonCode.SOURCE_CHANGED),
        (error("SlowDown", 503), ReasonCode.S3_FAULT),
        (error("InternalError", 200), ReasonCode.S3_FAULT),
        (error("InvalidRequest", 400), ReasonCode.REFUSED),
    ],
)
async def test_what_lasts_is_one_files_trouble_with_its_reason(
    bench: Bench, planned: object, reason: ReasonCode
) -> None:
    bench.sandbox.faults.add(FaultRule(**{**planned, "method": "PUT", "path": OBJECTS, "times": None}))  # type: ignore[dict-item]

    outcome = await bench.copy(bench.real_file(b"one"))

    assert isinstance(outcome, CopyFailed)
    assert reason is outcome.reason
    assert [] == bench.new_objects


async def test_a_shortened_copy_is_deleted_and_never_registered(bench: Bench) -> None:
    bench.sandbox.faults.add(FaultRule(kind=FaultKind.SHORTEN, method="PUT", path="partNumber=3"))

    outcome = await bench.copy(bench.real_file(BYTES), limits=SMALL_PARTS)

    assert isinstance(outcome, CopyFailed)
    assert ReasonCode.SIZE_DIFFERS is outcome.reason
    assert [] == bench.new_objects
    assert 0 == bench.sandbox.app.traffic.by_call["POST /externalfilehandle/s3"]


async def test_damaged_bytes_are_found_by_the_checksum_and_copied_anew(bench: Bench) -> None:
    """The first judgement discards; the next try deletes the bad object and makes another."""
    request = bench.real_file(BYTES)
    objects = bench.sandbox.world.objects
    where = str(request.source.bucket), str(request.source.key)
    objects.put(*where, BYTES, attributes=Attributes(checksum_algorithm="CRC32"))
    bench.sandbox.faults.add(FaultRule(kind=FaultKind.DAMAGE, method="PUT", path="partNumber=2"))

    (first,) = await bench.copy_and_prove(request, limits=SMALL_PARTS)
    assert not isinstance(first, ProvenCopy)
    said = await bench.copy_and_prove(replace(request, discard_previous=True), limits=SMALL_PARTS)

    assert [ProofRung.CHECKSUM] == [one.rung for one in said if isinstance(one, ProvenCopy)]
    assert 1 == len(bench.new_objects)


async def test_checksums_satisfy_also_who_asks_for_strict_proof(bench: Bench) -> None:
    request = bench.real_file(BYTES)
    where = str(request.source.bucket), str(request.source.key)
    bench.sandbox.world.objects.put(*where, BYTES, attributes=Attributes(checksum_algorithm="CRC32"))
    async with s3_engine(bench, SMALL_PARTS) as outside:
        outcome = await outside.engine.copy(request)
        assert isinstance(outcome, Copied)
        said = await outside.prove(request, outcome, level=ProofLevel.STRICT)
    assert [ProofRung.CHECKSUM] == [one.rung for one in said if isinstance(one, ProvenCopy)]


async def test_a_source_of_other_parts_is_copied_along_its_own(bench: Bench) -> None:
    """Uploaded in parts of 6 MiB where we would take 5: the ETags of the whole can then be compared."""
    request = bench.real_file(BYTES)
    objects = bench.sandbox.world.objects
    where = str(request.source.bucket), str(request.source.key)
    objects.put_in_parts(*where, objects.get(*where).content, part_size=6 * MIB)

    said = await bench.copy_and_prove(request, limits=SMALL_PARTS)

    assert [ProofRung.ALIGNED_ETAG] == [one.rung for one in said if isinstance(one, ProvenCopy)]


async def test_a_bucket_in_another_region_is_no_obstacle(bench: Bench) -> None:
    bucket = bench.sandbox.world.objects.find_bucket(DESTINATION_BUCKET)
    assert bucket is not None
    bucket.region = "eu-central-1"

    outcome = await bench.copy(bench.real_file(BYTES), limits=SMALL_PARTS)

    assert BYTES == bench.content_of(outcome).bytes()


async def test_a_lost_answer_to_the_registration_is_told_of(bench: Bench) -> None:
    """Both records are of one object; the copy says that there may be two."""
    path = "/externalFileHandle/s3"
    bench.sandbox.faults.add(FaultRule(kind=FaultKind.DROP_AFTER, method="POST", path=path))

    outcome = await bench.copy(bench.real_file(b"one"))

    assert isinstance(outcome, Copied)
    assert outcome.evidence.may_be_twice
    assert 1 == len(bench.new_objects)


async def test_answers_that_are_lost_on_and_on_leave_one_record_more_than_there_must_be(bench: Bench) -> None:
    """Nobody can be asked for records, so a run asks once more and no oftener; the next one meets the same object."""
    path = "/externalFileHandle/s3"
    bench.sandbox.faults.add(FaultRule(kind=FaultKind.DROP_AFTER, method="POST", path=path, times=None))
    request, before = bench.real_file(b"one"), len(bench.sandbox.world.handles)

    outcome = await bench.copy(request)

    assert isinstance(outcome, CopyFailed)
    assert ReasonCode.SERVICE_FAULT is outcome.reason
    assert 2 == len(bench.sandbox.world.handles) - before
    again = await bench.copy(replace(request, begun_before=True))
    assert isinstance(again, CopyFailed)
    assert 3 == len(bench.sandbox.world.handles) - before
    bench.sandbox.faults.clear()
    done = await bench.copy(replace(request, begun_before=True))
    assert isinstance(done, Copied)
    assert done.evidence.may_be_twice
    assert 1 == len(bench.new_objects)


async def test_a_read_only_window_during_the_registration_is_waited_for(bench: Bench) -> None:
    """In it nothing is made, so it is no reason to stop."""
    path = "/externalFileHandle/s3"
    bench.sandbox.faults.add(FaultRule(kind=FaultKind.STATUS_BEFORE, status=503, method="POST", path=path, times=4))
    request, before = bench.real_file(b"one"), len(bench.sandbox.world.handles)

    outcome = await bench.copy(request)

    assert isinstance(outcome, Copied)
    assert 1 == len(bench.sandbox.world.handles) - before


async def test_an_object_that_synapse_cannot_see_is_a_matter_for_a_person(bench: Bench) -> None:
    bucket = bench.sandbox.world.objects.find_bucket(DESTINATION_BUCKET)
    assert bucket is not None
    bucket.readable_by_synapse = False

    outcome = await bench.copy(bench.real_file(b"one"))

    assert isinstance(outcome, CopyFailed)
    assert ReasonCode.NOT_REGISTERED is outcome.reason
