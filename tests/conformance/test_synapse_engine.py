"""The engine `synapse` and the real adapters below it, against the sandbox's faults (contract 8.8)."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.faults import FaultKind, FaultRule
from sandbox.server import Sandbox
from storage_core.errors import Forbidden
from storage_core.model.copies import Copied, CopyFailed
from storage_core.model.ids import StorageLocationId
from storage_core.model.items import ReasonCode
from tests.conformance.engine_bench import MIB, SMALL_PARTS, Bench, synapse_engine

pytestmark = pytest.mark.anyio
BYTES = bytes(range(256)) * 8192 * 6
S3_PART = "partNumber="
S3_SLOW_DOWN = "<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
S3_INTERNAL = "<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"
NO_SUCH_UPLOAD = "<Error><Code>NoSuchUpload</Code><Message>The upload does not exist.</Message></Error>"
WRONG_ETAG = f'<CopyPartResult><ETag>"{"0" * 32}"</ETag></CopyPartResult>'
NOT_ADDED = json.dumps({"uploadId": "1", "partNumber": 1, "addPartState": "ADD_FAILED", "errorMessage": "why not"})


@pytest.fixture
def bench(sandbox: Sandbox, tmp_path: Path) -> Bench:
    return Bench(sandbox=sandbox, folder=tmp_path, engine="synapse")


def s3_fault(body: str, *, status: int, times: int = 1) -> FaultRule:
    return FaultRule(
        kind=FaultKind.STATUS_BEFORE,
        method="PUT",
        path=S3_PART,
        status=status,
        body=body,
        content_type="application/xml",
        times=times,
    )


async def whole_after(bench: Bench, *rules: FaultRule) -> None:
    """Under these faults the bytes arrive, once."""
    for rule in rules:
        bench.sandbox.faults.add(rule)
    outcome = await bench.copy(bench.real_file(BYTES), limits=SMALL_PARTS)
    assert BYTES == bench.content_of(outcome).bytes()
    assert 1 == len(bench.new_objects)
    assert all(rule.struck for rule in rules)


async def test_a_file_of_one_part_costs_four_calls(bench: Bench) -> None:
    request = bench.real_file(b"x" * MIB)
    bench.sandbox.app.traffic.reset()

    await bench.copy(request)

    assert 4 == bench.sandbox.app.traffic.as_json()["total"]


async def test_an_error_inside_a_good_answer_is_not_taken_for_a_part(bench: Bench) -> None:
    await whole_after(bench, s3_fault(S3_INTERNAL, status=200, times=2))


async def test_a_busy_s3_is_waited_for(bench: Bench) -> None:
    await whole_after(bench, s3_fault(S3_SLOW_DOWN, status=503, times=4))


async def test_an_upload_s3_no_longer_knows_is_begun_anew(bench: Bench) -> None:
    await whole_after(bench, s3_fault(NO_SUCH_UPLOAD, status=404))


async def test_a_part_the_service_did_not_take_is_sent_again(bench: Bench) -> None:
    rule = FaultRule(kind=FaultKind.STATUS_BEFORE, path=r"/add/1\b", status=201, body=NOT_ADDED, times=2)

    await whole_after(bench, rule)


@pytest.mark.parametrize("call", ["/file/multipart\\?", "/presigned/url/batch", "/add/", "/complete", S3_PART])
@pytest.mark.parametrize("kind", [FaultKind.DROP_AFTER, FaultKind.DROP_BEFORE])
async def test_a_lost_answer_costs_a_repeat_and_nothing_else(bench: Bench, call: str, kind: FaultKind) -> None:
    await whole_after(bench, FaultRule(kind=kind, path=call))


async def test_a_completion_that_is_refused_is_repeated(bench: Bench) -> None:
    await whole_after(bench, FaultRule(kind=FaultKind.STATUS_BEFORE, path="/complete", status=400, times=3))


async def test_a_part_that_s3_does_not_have_after_all_surfaces_at_completion_and_is_sent_again(bench: Bench) -> None:
    """The service takes any value for a copied part; only completing compares it with S3's."""
    await whole_after(bench, s3_fault(WRONG_ETAG, status=200))


async def test_addresses_that_ran_out_are_signed_again(bench: Bench) -> None:
    clock = bench.sandbox.clock

    def wait() -> None:
        clock.shift += timedelta(minutes=16)

    bench.watch(wait, path=S3_PART, method="PUT")

    outcome = await bench.copy(bench.real_file(BYTES), limits=SMALL_PARTS)

    assert BYTES == bench.content_of(outcome).bytes()


async def test_a_file_in_another_region_is_refused_in_the_services_words(bench: Bench) -> None:
    request = bench.real_file(b"far away")
    bucket = bench.service.bucket("far-away", region="eu-central-1")
    far = bench.service.external_s3(bucket)

    async with synapse_engine(bench, SMALL_PARTS) as outside:
        outcome = await outside.engine.copy(replace(request, destination=StorageLocationId(far)))

    assert isinstance(outcome, CopyFailed)
    assert ReasonCode.REFUSED is outcome.reason
    assert "region" in outcome.detail


async def test_somebody_elses_destination_stops_the_run(bench: Bench) -> None:
    request = bench.real_file(b"mine")
    colleague = bench.service.colleague
    bucket = bench.service.bucket("colleagues", owner=colleague)
    theirs = bench.service.external_s3(bucket, user=colleague)
    request = replace(request, destination=StorageLocationId(theirs))

    with pytest.raises(Forbidden):
        await bench.copy(request)


async def test_a_file_one_may_not_download_is_one_files_trouble(bench: Bench) -> None:
    request = bench.real_file(b"not yours")
    bench.sandbox.world.access.put(bench.sandbox.world, bench.project.id, {int(bench.service.colleague.id): []})

    outcome = await bench.copy(request)

    assert isinstance(outcome, CopyFailed)
    assert ReasonCode.NO_DOWNLOAD_ACCESS is outcome.reason


async def test_a_name_that_todays_rule_refuses_is_copied_under_a_clean_one(bench: Bench) -> None:
    request = bench.real_file(b"old", name="50% done?.csv")

    outcome = await bench.copy(request)

    assert isinstance(outcome, Copied)
    assert "50_ done_.csv" == bench.sandbox.world.handles.require(outcome.new).file_name


async def test_a_discarded_copy_is_made_anew(bench: Bench) -> None:
    request = bench.real_file(b"once more")
    first = await bench.copy(request)

    second = await bench.copy(replace(request, discard_previous=True))

    assert isinstance(first, Copied)
    assert isinstance(second, Copied)
    assert first.new != second.new
