"""engines/synapse_copy.py against a service that keeps contract 8: calls spent, faults survived, nothing made twice."""

import asyncio
from dataclasses import replace

import pytest

from storage_core.engines.part_moving import LongParts
from storage_core.engines.synapse_copy import SynapseCopyEngine
from storage_core.errors import AccessError, BadRequest, Conflict, Forbidden, NotFound, ServerFault, ServiceUnavailable
from storage_core.model.copies import Copied, CopyFailed, CopyRequest
from storage_core.model.handles import Association, AssociationKind, FileHandle
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.items import ReasonCode
from storage_core.plan.parts import GIB, MIB, SERVICE_LIMITS, PartLimits
from storage_core.synapse.presigned import S3Refused, S3Trouble
from storage_core.synapse.wire_multipart import PartNotAdded
from storage_core.testing.fake_multipart import FakeStorage
from storage_core.testing.fake_objects import composite_etag

DESTINATION = StorageLocationId(77)
SMALL_PARTS = PartLimits(
    single_part_bytes=5 * MIB, several_parts_bytes=5 * MIB, most_parts=1000, largest_object_bytes=5000 * MIB
)
ONE_PART_CALLS = ["start", "presign", "s3", "add", "complete"]


def refused(trouble: S3Trouble) -> S3Refused:
    return S3Refused(trouble=trouble, detail="S3's words")


def bad(reason: str = "the service's words") -> BadRequest:
    return BadRequest(call="POST /x", status=400, reason=reason)


@pytest.fixture
def storage() -> FakeStorage:
    storage = FakeStorage()
    storage.owned.add(DESTINATION)
    return storage


def engine_on(storage: FakeStorage, *, limits: PartLimits = SMALL_PARTS, at_once: int = 4) -> SynapseCopyEngine:
    return SynapseCopyEngine(
        storage, storage, storage, clock=storage.clock, s3_slots=asyncio.Semaphore(at_once), limits=limits
    )


def request_for(source: FileHandle, *, discard_previous: bool = False) -> CopyRequest:
    return CopyRequest(
        copy_id=3,
        source=source,
        association=Association(handle_id=source.id, object_id=EntityId("syn9"), kind=AssociationKind.FILE),
        destination=DESTINATION,
        discard_previous=discard_previous,
    )


def copy(storage: FakeStorage, source: FileHandle, *, limits: PartLimits = SMALL_PARTS, **request: bool):
    async def run():
        return await engine_on(storage, limits=limits).copy(request_for(source, **request))

    return asyncio.run(run())


def copied_bytes(storage: FakeStorage, outcome) -> str:
    """MD5 of what the outcome's new handle really holds."""
    assert isinstance(outcome, Copied), outcome
    return storage.objects[storage.records[outcome.new].key].md5


def test_a_file_of_one_part_costs_four_calls_and_one_of_s3(storage):
    source = storage.add_source("1", size_bytes=3 * MIB)

    outcome = copy(storage, source)

    assert ONE_PART_CALLS == storage.journal
    assert source.md5 == copied_bytes(storage, outcome)
    assert (source.md5,) == outcome.evidence.part_etags


def test_five_gib_and_one_byte_is_copied_whole_in_three_parts(storage):
    source = storage.add_source("1", size_bytes=5 * GIB + 1)

    outcome = copy(storage, source, limits=PartLimits())

    assert source.md5 == copied_bytes(storage, outcome)
    assert 5 * GIB + 1 == storage.records[outcome.new].size_bytes
    assert 3 == storage.journal.count("add")
    assert 1 == storage.journal.count("presign")


def test_several_parts_leave_evidence_in_their_order(storage):
    source = storage.add_source("1", size_bytes=23 * MIB)

    outcome = copy(storage, source)

    assert isinstance(outcome, Copied)
    assert (5, 5 * MIB) == (outcome.evidence.part_count, outcome.evidence.part_size_bytes)
    new_etag = storage.objects[storage.records[outcome.new].key].etag
    assert new_etag == composite_etag(list(outcome.evidence.part_etags))
    assert storage.objects[source.key].etag == outcome.evidence.source_etag


@pytest.mark.parametrize(
    ("chosen", "parts"),
    [(None, 3), (1 * GIB, 6), (2 * GIB, 3), (5 * GIB, 3), (1, 3)],
    ids=["as the size says", "more", "the same", "the service would miscount these", "too small"],
)
def test_a_copy_is_made_in_the_parts_chosen_for_it_unless_they_are_unsafe(storage, chosen, parts):
    source = storage.add_source("1", size_bytes=5 * GIB + 1)
    request = replace(request_for(source), part_size_bytes=chosen)

    outcome = asyncio.run(engine_on(storage, limits=SERVICE_LIMITS).copy(request))

    assert parts == outcome.evidence.part_count
    assert source.md5 == copied_bytes(storage, outcome)


def test_one_part_stays_one_whatever_was_chosen(storage):
    source = storage.add_source("1", size_bytes=3 * GIB)
    request = replace(request_for(source), part_size_bytes=1 * GIB)

    assert 1 == asyncio.run(engine_on(storage, limits=SERVICE_LIMITS).copy(request)).evidence.part_count


def test_parts_that_take_long_wait_in_slots_of_their_own_and_tell_their_speed(storage):
    """Here all slots for short ones are taken, and none is needed."""
    source, told = storage.add_source("1", size_bytes=5 * GIB + 1), []
    long_parts = LongParts(slots=asyncio.Semaphore(1), learn_speed=lambda *seen: told.append(seen))

    async def run():
        engine = SynapseCopyEngine(
            storage, storage, storage, clock=storage.clock, s3_slots=asyncio.Semaphore(0), long_parts=long_parts
        )
        return await asyncio.wait_for(engine.copy(request_for(source)), 30)

    assert source.md5 == copied_bytes(storage, asyncio.run(run()))
    assert 3 == len(told)
    assert all(GIB < part_bytes <= 2 * GIB and seconds >= 0 for part_bytes, seconds in told)


def test_parts_travel_side_by_side_within_the_slots_all_copies_share(storage):
    sources = [storage.add_source(str(number), size_bytes=50 * MIB) for number in (1, 2, 3)]

    async def run():
        engine = engine_on(storage, at_once=7)
        await asyncio.gather(*(engine.copy(request_for(source)) for source in sources))

    asyncio.run(run())

    assert 7 == storage.most_in_s3


def test_hundreds_of_parts_are_signed_a_hundred_at_a_time(storage):
    source = storage.add_source("1", size_bytes=250 * 5 * MIB)

    outcome = copy(storage, source)

    assert source.md5 == copied_bytes(storage, outcome)
    assert 3 == storage.journal.count("presign")


def test_a_finished_copy_is_met_again_for_one_call_and_shows_no_etags(storage):
    source = storage.add_source("1", size_bytes=12 * MIB)
    first = copy(storage, source)
    storage.journal.clear()

    second = copy(storage, source)

    assert ["start"] == storage.journal
    assert first.new == second.new
    assert () == second.evidence.part_etags
    assert 3 == second.evidence.part_count


def test_a_discarded_copy_is_not_met_again(storage):
    source = storage.add_source("1", size_bytes=3 * MIB)
    first = copy(storage, source)

    second = copy(storage, source, discard_previous=True)

    assert "start!" in storage.journal
    assert first.new != second.new


@pytest.mark.parametrize("number", range(1, 8))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_any_call_the_next_run_finishes_the_same_upload(storage, number, moment):
    """Whichever of the seven calls dies, with or without effect at the service: in the end there is one new handle."""
    source = storage.add_source("1", size_bytes=8 * MIB)

    def kill(count: int) -> None:
        if count == number:
            raise asyncio.CancelledError

    setattr(storage, moment, kill)
    with pytest.raises(asyncio.CancelledError):
        copy(storage, source)
    setattr(storage, moment, lambda _: None)

    outcome = copy(storage, source)

    assert source.md5 == copied_bytes(storage, outcome)
    assert 1 == len(storage.copies)


def test_after_a_kill_only_missing_parts_are_sent_and_the_evidence_claims_no_more(storage):
    source = storage.add_source("1", size_bytes=15 * MIB)
    storage.fail_next("add", *[PartNotAdded(number=1, detail="no")] * 20)
    copy(storage, source)
    storage._faults.clear()
    upload = next(iter(storage._uploads.values()))
    upload.added[2] = upload.sent[2][1]
    storage.journal.clear()

    outcome = copy(storage, source)

    assert 2 == storage.journal.count("s3")
    assert () == outcome.evidence.part_etags
    assert source.md5 == copied_bytes(storage, outcome)


def test_a_count_that_misses_a_part_stops_the_copy_before_a_byte_is_sent(storage):
    """The service counts one part where two make the whole: it would complete with the first 5 GiB."""
    source = storage.add_source("1", size_bytes=8 * GIB)
    engine = engine_on(storage)
    engine._limits = _HazardousLimits()

    outcome = asyncio.run(engine.copy(request_for(source)))

    assert isinstance(outcome, CopyFailed)
    assert ReasonCode.REFUSED is outcome.reason
    assert ["start"] == storage.journal


class _HazardousLimits:
    """What `PartLimits` refuses to be."""

    single_part_bytes = 5 * GIB
    several_parts_bytes = 5 * GIB
    smallest_part_bytes = 5 * GIB
    largest_object_bytes = 9 * GIB


def test_expired_addresses_are_signed_again(storage):
    source = storage.add_source("1", size_bytes=8 * MIB)
    storage.fail_next("s3", refused(S3Trouble.EXPIRED), refused(S3Trouble.EXPIRED))

    outcome = copy(storage, source)

    assert source.md5 == copied_bytes(storage, outcome)
    assert 3 == storage.journal.count("presign")


def test_addresses_that_stay_refused_end_the_copy_as_retryable(storage):
    source = storage.add_source("1", size_bytes=MIB)
    storage.fail_next("s3", *[refused(S3Trouble.EXPIRED)] * 5)

    outcome = copy(storage, source)

    assert ReasonCode.S3_FAULT is outcome.reason
    assert 3 == storage.journal.count("s3")


def test_a_busy_s3_is_waited_for(storage):
    source = storage.add_source("1", size_bytes=MIB)
    storage.fail_next("s3", *[refused(S3Trouble.BUSY)] * 5)

    outcome = copy(storage, source)

    assert source.md5 == copied_bytes(storage, outcome)
    assert 15 <= sum(storage.clock.slept) <= 31


def test_an_s3_that_stays_busy_is_given_up(storage):
    source = storage.add_source("1", size_bytes=MIB)
    storage.fail_next("s3", *[refused(S3Trouble.BUSY)] * 50)

    outcome = copy(storage, source)

    assert ReasonCode.S3_FAULT is outcome.reason
    assert 8 == storage.journal.count("s3")


def test_one_part_that_cannot_come_keeps_the_others_from_beginning(storage):
    source = storage.add_source("1", size_bytes=500 * MIB)
    storage.fail_next("s3", refused(S3Trouble.REFUSED))

    outcome = copy(storage, source)

    assert ReasonCode.REFUSED is outcome.reason
    assert storage.journal.count("s3") < 10


def test_a_part_that_was_not_taken_is_sent_and_added_again(storage):
    source = storage.add_source("1", size_bytes=MIB)
    storage.fail_next("add", PartNotAdded(number=1, detail="no"), PartNotAdded(number=1, detail="no"))

    outcome = copy(storage, source)

    assert source.md5 == copied_bytes(storage, outcome)
    assert 3 == storage.journal.count("s3") == storage.journal.count("add")


def test_a_part_that_is_never_taken_is_given_up(storage):
    source = storage.add_source("1", size_bytes=MIB)
    storage.fail_next("add", *[PartNotAdded(number=1, detail="no")] * 9)

    outcome = copy(storage, source)

    assert ReasonCode.COPY_INCOMPLETE is outcome.reason
    assert "no" in outcome.detail


def test_a_source_overwritten_while_copied_is_copied_anew_once(storage):
    """The second upload is conditional on the new ETag; whether those bytes are right is for the judge to say."""
    source = storage.add_source("1", size_bytes=8 * MIB)

    def overwrite(count: int) -> None:
        if count == 2:
            storage.overwrite(source, "other")

    storage.after = overwrite

    outcome = copy(storage, source)

    assert storage.objects[source.key].md5 == copied_bytes(storage, outcome)
    assert 1 == storage.journal.count("start!")


def test_a_source_that_keeps_changing_is_reported(storage):
    source = storage.add_source("1", size_bytes=MIB)
    storage.fail_next("s3", *[refused(S3Trouble.SOURCE_CHANGED)] * 9)

    outcome = copy(storage, source)

    assert ReasonCode.SOURCE_CHANGED is outcome.reason
    assert 1 == storage.journal.count("start!")


def test_an_upload_that_vanished_from_s3_is_begun_anew(storage):
    source = storage.add_source("1", size_bytes=MIB)

    def abort(count: int) -> None:
        if count == 2:
            storage.abort_uploads()

    storage.after = abort

    outcome = copy(storage, source)

    assert source.md5 == copied_bytes(storage, outcome)
    assert 1 == storage.journal.count("start!")


@pytest.mark.parametrize("call", ["presign", "add", "complete"])
def test_an_upload_the_service_forgot_is_begun_anew(storage, call):
    source = storage.add_source("1", size_bytes=MIB)
    storage.fail_next(call, NotFound(call="PUT /x", status=404, reason="gone"))

    assert source.md5 == copied_bytes(storage, copy(storage, source))
    assert 1 == storage.journal.count("start!")


def test_a_completion_refused_once_is_repeated(storage):
    source = storage.add_source("1", size_bytes=MIB)
    storage.fail_next("complete", bad())

    copy(storage, source)

    assert [*ONE_PART_CALLS, "complete"] == storage.journal


def test_a_completion_refused_twice_has_all_parts_sent_again(storage):
    source = storage.add_source("1", size_bytes=8 * MIB)
    storage.fail_next("complete", bad(), bad())

    outcome = copy(storage, source)

    assert 4 == storage.journal.count("s3")
    assert "start!" not in storage.journal
    assert source.md5 == copied_bytes(storage, outcome)


def test_a_completion_refused_four_times_begins_anew_and_then_gives_up(storage):
    source = storage.add_source("1", size_bytes=MIB)
    storage.fail_next("complete", *[bad("joined nothing")] * 40)

    outcome = copy(storage, source)

    assert ReasonCode.COPY_INCOMPLETE is outcome.reason
    assert "joined nothing" in outcome.detail
    assert (8, 1) == (storage.journal.count("complete"), storage.journal.count("start!"))


def test_a_source_that_may_not_be_downloaded_is_one_files_trouble(storage):
    sources = [storage.add_source(str(number), size_bytes=MIB) for number in (1, 2)]
    storage.downloadable.clear()

    async def run():
        engine = engine_on(storage)
        return [await engine.copy(request_for(source)) for source in sources]

    outcomes = asyncio.run(run())

    assert [ReasonCode.NO_DOWNLOAD_ACCESS] * 2 == [outcome.reason for outcome in outcomes]
    assert 1 == storage.journal.count("location")


def test_a_refusal_nobody_can_explain_now_is_tried_later(storage):
    source = storage.add_source("1", size_bytes=MIB)
    storage.downloadable.clear()
    storage.fail_next("location", ServerFault(call="GET /storageLocation/#", status=500, reason="oops"))

    assert ReasonCode.SERVICE_FAULT is copy(storage, source).reason


def test_a_destination_of_somebody_else_stops_the_run(storage):
    source = storage.add_source("1", size_bytes=MIB)
    storage.owned.clear()

    with pytest.raises(Forbidden):
        copy(storage, source)


def test_a_refusal_is_asked_for_twice_and_told_in_the_services_words(storage):
    """Twice, because two identical starts at a time collide with a 400 as well."""
    source = storage.add_source("1", size_bytes=MIB)
    storage.fail_next("start", bad("another region"), bad("another region"))

    outcome = copy(storage, source)

    assert ReasonCode.REFUSED is outcome.reason
    assert "another region" in outcome.detail


def test_a_collision_of_two_starts_is_survived(storage):
    source = storage.add_source("1", size_bytes=MIB)
    storage.fail_next("start", bad("duplicate key"))

    assert source.md5 == copied_bytes(storage, copy(storage, source))


def test_a_deleted_source_handle_is_gone(storage):
    source = storage.add_source("1", size_bytes=MIB)
    del storage.records[source.id]

    assert ReasonCode.GONE is copy(storage, source).reason


def test_a_source_object_that_is_missing_is_unreadable(storage):
    source = storage.add_source("1", size_bytes=MIB)
    del storage.objects[source.key]

    assert ReasonCode.SOURCE_UNREADABLE is copy(storage, source).reason


@pytest.mark.parametrize("call", ["start", "presign", "add", "complete"])
def test_a_service_that_fails_one_call_for_good_is_one_files_trouble(storage, call):
    source = storage.add_source("1", size_bytes=MIB)
    storage.fail_next(call, ServerFault(call="POST /x", status=500, reason="oops"))

    assert ReasonCode.SERVICE_FAULT is copy(storage, source).reason


@pytest.mark.parametrize("call", ["start", "presign", "add", "complete"])
@pytest.mark.parametrize("error", [AccessError("no token", fix=""), ServiceUnavailable("down", fix="")])
def test_what_stops_a_run_is_not_taken_for_one_files_trouble(storage, call, error):
    source = storage.add_source("1", size_bytes=12 * MIB)
    storage.fail_next(call, error)

    with pytest.raises(type(error)):
        copy(storage, source)


def test_an_unheard_of_refusal_is_one_files_trouble(storage):
    source = storage.add_source("1", size_bytes=MIB)
    storage.fail_next("add", Conflict(call="PUT /x", status=409, reason="?"))

    assert ReasonCode.SERVICE_FAULT is copy(storage, source).reason


def test_a_disowned_copy_is_not_met_again(storage):
    source = storage.add_source("1", size_bytes=8 * MIB)
    first = copy(storage, source)
    storage.journal.clear()

    asyncio.run(engine_on(storage).disown(request_for(source)))

    assert ["start!"] == storage.journal
    second = copy(storage, source)
    assert first.new != second.new
    assert 2 == len(second.evidence.part_etags)


def test_a_name_that_todays_rule_refuses_is_sent_cleaned(storage):
    source = storage.add_source("1", size_bytes=MIB, file_name="old/name.csv")

    first = copy(storage, source)
    second = copy(storage, source)

    assert source.md5 == copied_bytes(storage, first)
    assert first.new == second.new


def test_a_name_in_another_script_is_kept_if_the_service_takes_it(storage):
    source = storage.add_source("1", size_bytes=MIB, file_name="Größen.csv")

    copied = copy(storage, source)

    assert "Größen.csv" == storage.records[copied.new].file_name


def test_a_name_in_another_script_is_cleaned_once_the_service_refuses_it(storage):
    source = storage.add_source("1", size_bytes=MIB, file_name="Größen.csv")
    storage.fail_next("start", bad("Invalid Name"))

    copied = copy(storage, source)

    assert "Gr__en.csv" == storage.records[copied.new].file_name


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"size_bytes": None}, ReasonCode.NO_SIZE),
        ({"size_bytes": 0}, ReasonCode.EMPTY_FILE),
        ({"md5": None}, ReasonCode.NO_MD5),
        ({"size_bytes": 6 * 1024 * GIB}, ReasonCode.REFUSED),
    ],
)
def test_what_cannot_be_copied_costs_no_call(storage, change, reason):
    source = replace(storage.add_source("1", size_bytes=MIB), **change)

    assert reason is copy(storage, source).reason
    assert [] == storage.journal
