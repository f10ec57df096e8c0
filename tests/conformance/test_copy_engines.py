"""What every copy engine promises, asked of each one against the sandbox, over real connections."""

import asyncio
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from storage_core.model.copies import Copied, CopyFailed, ProofLevel, ProofRung, ProvenCopy
from storage_core.model.items import ReasonCode
from storage_core.plan.parts import GIB
from tests.conformance.engine_bench import DESTINATION_BUCKET, ENGINES, MIB, SMALL_PARTS, Bench, md5_of

pytestmark = pytest.mark.anyio
CALLS_OF_THREE_PARTS = {"synapse": 9, "s3": 12}
BYTES = bytes(range(256)) * 8192 * 6  # 12 MiB: three parts under the small limits


@pytest.fixture(params=ENGINES)
def bench(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    for name, value in sandbox.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return Bench(sandbox=sandbox, folder=tmp_path, engine=request.param)


async def test_a_small_file_arrives_and_is_proven_without_reading_it(bench: Bench) -> None:
    request = bench.real_file(b"one,two\n" * 1000)
    outcome = await bench.copy(request)

    assert b"one,two\n" * 1000 == bench.content_of(outcome).bytes()
    said = await bench.copy_and_prove(bench.real_file(b"three\n"))
    assert [ProofRung.PART_ETAG] == [one.rung for one in said if isinstance(one, ProvenCopy)]


async def test_the_new_handle_is_the_callers_and_says_what_the_sources_said(bench: Bench) -> None:
    request = bench.real_file(b"one")

    outcome = await bench.copy(request)

    assert isinstance(outcome, Copied)
    new = bench.sandbox.world.handles.require(outcome.new)
    old = bench.sandbox.world.handles.require(request.source.id)
    assert (bench.service.steward.id, bench.destination) == (new.created_by, new.storage_location_id)
    same = ("content_md5", "content_size", "content_type", "file_name")
    assert [getattr(old, name) for name in same] == [getattr(new, name) for name in same]


async def test_an_empty_file_is_copied_whole_or_refused_with_its_reason(bench: Bench) -> None:
    outcome = await bench.copy(bench.real_file(b""))

    if isinstance(outcome, CopyFailed):
        assert ReasonCode.EMPTY_FILE is outcome.reason
    else:
        assert b"" == bench.content_of(outcome).bytes()


async def test_five_gib_and_one_byte_arrive_whole(bench: Bench) -> None:
    request = bench.declared_file(5 * GIB + 1)

    outcome = await bench.copy(request)

    assert 5 * GIB + 1 == bench.content_of(outcome).size
    assert request.source.md5 == bench.md5_of(outcome)


@pytest.mark.parametrize("size_gib", [6, 7, 8, 9, 23])
async def test_sizes_at_which_the_service_would_miscount_arrive_whole(bench: Bench, size_gib: int) -> None:
    """In parts of 5 GiB, some of these would lose their last part and keep their MD5."""
    request = bench.declared_file(size_gib * GIB)

    (proven,) = [one for one in await bench.copy_and_prove(request) if isinstance(one, ProvenCopy)]

    assert proven.rung in {ProofRung.STRUCTURAL, ProofRung.ALIGNED_ETAG, ProofRung.CHECKSUM}
    assert size_gib * GIB == bench.sandbox.world.handles.require(proven.new).content_size


async def test_several_parts_make_the_same_bytes(bench: Bench) -> None:
    outcome = await bench.copy(bench.real_file(BYTES), limits=SMALL_PARTS)

    assert isinstance(outcome, Copied)
    assert 3 == outcome.evidence.part_count
    assert BYTES == bench.content_of(outcome).bytes()


async def test_a_file_uploaded_in_the_same_parts_is_proven_by_its_etag(bench: Bench) -> None:
    request = bench.real_file(BYTES)
    objects = bench.sandbox.world.objects
    content = objects.get(str(request.source.bucket), str(request.source.key)).content
    objects.put_in_parts(str(request.source.bucket), str(request.source.key), content, part_size=5 * MIB)

    said = await bench.copy_and_prove(request, limits=SMALL_PARTS)

    assert [ProofRung.ALIGNED_ETAG] == [one.rung for one in said if isinstance(one, ProvenCopy)]


async def test_the_same_request_twice_makes_one_object_and_one_handle_or_tells_of_the_second(bench: Bench) -> None:
    """Registering an object is not idempotent at the service, and it lists nobody's handles."""
    request = bench.real_file(BYTES)

    first, second = await bench.copy(request, limits=SMALL_PARTS), await bench.copy(request, limits=SMALL_PARTS)

    assert isinstance(first, Copied)
    assert isinstance(second, Copied)
    assert (first.new == second.new) != second.evidence.may_be_twice
    assert not first.evidence.may_be_twice
    handles = [bench.sandbox.world.handles.require(one.new) for one in (first, second)]
    assert 1 == len({(handle.bucket, handle.key) for handle in handles})
    assert 1 == len(bench.new_objects)


@pytest.mark.parametrize("call", range(1, 14))
async def test_killed_in_the_middle_of_any_call_it_goes_on_and_makes_one_object(bench: Bench, call: int) -> None:
    """Calls of both kinds are counted: to Synapse and to S3."""
    request = bench.real_file(BYTES)
    loop = asyncio.get_running_loop()
    copying = asyncio.ensure_future(bench.copy(request, limits=SMALL_PARTS))
    bench.watch(lambda: loop.call_soon_threadsafe(copying.cancel), at=call)
    await asyncio.wait([copying])
    bench.sandbox.faults.clear()

    outcome = await bench.copy(request, limits=SMALL_PARTS)

    assert copying.cancelled() == (call <= CALLS_OF_THREE_PARTS[bench.engine])
    assert BYTES == bench.content_of(outcome).bytes()
    assert 1 == len(bench.new_objects)


async def test_a_source_overwritten_meanwhile_is_never_proven(bench: Bench) -> None:
    """Neither as what it was nor as what it became: somebody has to look."""
    request = bench.real_file(BYTES)
    bench.watch(lambda: bench.overwrite(request, BYTES[::-1]), path=r"^/(?!repo/|file/|auth/)", method="PUT")

    said = await bench.copy_and_prove(request)

    (verdict,) = said
    assert isinstance(verdict, CopyFailed)
    assert verdict.reason in {ReasonCode.SOURCE_SUSPECT, ReasonCode.SOURCE_CHANGED}


async def test_a_source_that_was_overwritten_long_ago_is_suspect(bench: Bench) -> None:
    request = bench.real_file(b"as recorded")
    bench.overwrite(request, b"as foundxxx")

    (verdict,) = await bench.copy_and_prove(request)

    assert isinstance(verdict, CopyFailed)
    assert ReasonCode.SOURCE_SUSPECT is verdict.reason


async def test_a_copy_judged_bad_is_not_met_again_after_the_source_was_repaired(bench: Bench) -> None:
    """By nobody: this is what a retry does, and what a new index does."""
    request = bench.real_file(b"as recorded")
    bench.overwrite(request, b"as foundxxx")
    await bench.copy_and_prove(request)
    bench.overwrite(request, b"as recorded")

    said = await bench.copy_and_prove(request)

    (proven,) = [one for one in said if isinstance(one, ProvenCopy)]
    new = bench.sandbox.world.handles.require(proven.new)
    assert b"as recorded" == bench.sandbox.world.objects.get(str(new.bucket), str(new.key)).content.bytes()


async def test_an_object_that_grew_after_it_was_recorded_is_never_proven(bench: Bench) -> None:
    request = bench.real_file(b"as recorded")
    bench.overwrite(request, b"as recorded, and more")

    said = await bench.copy_and_prove(request)

    # the first bytes are the recorded ones, so a copy of just these is right
    for one in said:
        if isinstance(one, ProvenCopy):
            new = bench.sandbox.world.handles.require(one.new)
            stored = bench.sandbox.world.objects.get(str(new.bucket), str(new.key)).content
            assert b"as recorded" == stored.bytes()


async def test_a_source_that_shrank_is_not_copied(bench: Bench) -> None:
    request = bench.real_file(b"as recorded")
    bench.overwrite(request, b"as")

    outcome = await bench.copy(request)

    assert isinstance(outcome, CopyFailed)
    assert [] == bench.new_objects


async def test_a_missing_source_object_is_one_files_trouble(bench: Bench) -> None:
    request = bench.real_file(b"gone")
    bench.sandbox.world.objects.delete(str(request.source.bucket), str(request.source.key))

    outcome = await bench.copy(request)

    assert isinstance(outcome, CopyFailed)
    assert ReasonCode.SOURCE_UNREADABLE is outcome.reason


async def test_opaque_etags_are_found_out_by_reading_one_copy(bench: Bench) -> None:
    bucket = bench.sandbox.world.objects.find_bucket(DESTINATION_BUCKET)
    assert bucket is not None
    bucket.has_opaque_etags = True

    said = await bench.copy_and_prove(bench.real_file(b"secret"))

    assert [ProofRung.REREAD] == [one.rung for one in said if isinstance(one, ProvenCopy)]


async def test_strict_proof_reads_what_arrived_in_parts(bench: Bench) -> None:
    request = bench.real_file(BYTES)
    async with ENGINES[bench.engine](bench, SMALL_PARTS) as outside:
        outcome = await outside.engine.copy(request)
        assert isinstance(outcome, Copied)
        said = await outside.prove(request, outcome, level=ProofLevel.STRICT)

    assert [ProofRung.REREAD] == [one.rung for one in said if isinstance(one, ProvenCopy)]
    assert md5_of(BYTES) == bench.md5_of(outcome)
