"""steps/proving.py: one call for a chunk, one verdict for each copy, and as few bytes read as can be."""

import asyncio

import pytest

from storage_core.engines.synapse_copy import SynapseCopyEngine
from storage_core.errors import AccessError, Forbidden, ServerFault
from storage_core.model.copies import Copied, CopyFailed, CopyRequest, EtagMeaning, ProofLevel, ProofRung, ProvenCopy
from storage_core.model.handles import Association, AssociationKind
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.items import ReasonCode
from storage_core.model.settings import MigrationSettings
from storage_core.model.works import CopyDiscarded, EtagLearnt, ProofWork
from storage_core.plan.parts import MIB
from storage_core.steps.proving import prove_chunk
from storage_core.steps.services import Services
from storage_core.synapse.presigned import S3Refused, S3Trouble
from storage_core.testing.fake_multipart import FakeStorage

DESTINATION = StorageLocationId(77)


@pytest.fixture
def storage() -> FakeStorage:
    storage = FakeStorage()
    storage.owned.add(DESTINATION)
    return storage


def services_on(storage: FakeStorage, level: ProofLevel = ProofLevel.STANDARD) -> Services:
    return Services(
        catalog=storage,
        engine=SynapseCopyEngine(storage, storage, storage, clock=storage.clock, s3_slots=asyncio.Semaphore(4)),
        reader=storage,
        clock=storage.clock,
        settings=MigrationSettings(roots=(EntityId("syn1"),), destination=DESTINATION),
        proof_level=level,
    )


def copied(storage: FakeStorage, *sources, attempts: int = 0) -> tuple[ProofWork, ...]:
    """Copy each source for real (against the fake) and hand over what the index would."""
    services = services_on(storage)
    works = []
    for source in sources:
        association = Association(handle_id=source.id, object_id=EntityId("syn9"), kind=AssociationKind.FILE)
        request = CopyRequest(
            copy_id=int(source.id), source=source, association=association, destination=DESTINATION,
            discard_previous=attempts > 0,
        )  # fmt: skip
        outcome = asyncio.run(services.engine.copy(request))
        assert isinstance(outcome, Copied)
        works.append(ProofWork(copied=outcome, source=source, association=association, attempts=attempts))
    storage.journal.clear()
    return tuple(works)


def prove(works, services: Services) -> list[object]:
    emitted: list[object] = []
    asyncio.run(prove_chunk(tuple(works), services, emitted.append))
    return emitted


def rungs(outcomes) -> list[ProofRung]:
    return [outcome.rung for outcome in outcomes if isinstance(outcome, ProvenCopy)]


def test_a_chunk_costs_one_call_and_teaches_the_etags_once(storage):
    works = copied(storage, *(storage.add_source(str(number), size_bytes=MIB) for number in range(1, 6)))

    outcomes = prove(works, services_on(storage))

    assert ["handles"] == storage.journal
    assert [ProofRung.PART_ETAG] * 5 == rungs(outcomes)
    assert [EtagLearnt(location_id=DESTINATION, meaning=EtagMeaning.MD5)] == [
        outcome for outcome in outcomes if isinstance(outcome, EtagLearnt)
    ]


def test_one_reread_settles_a_location_whose_etags_are_no_md5s(storage):
    storage.opaque.add(DESTINATION)
    works = copied(storage, *(storage.add_source(str(number), size_bytes=MIB) for number in range(1, 6)))
    services = services_on(storage)

    outcomes = prove(works, services)

    assert 1 == storage.journal.count("read")
    assert [ProofRung.REREAD] + [ProofRung.STRUCTURAL] * 4 == rungs(outcomes)
    assert EtagMeaning.OPAQUE is services.etag_meanings.meaning(DESTINATION)


def test_strict_reads_every_copy_without_a_strong_free_rung(storage):
    storage.opaque.add(DESTINATION)
    works = copied(storage, *(storage.add_source(str(number), size_bytes=MIB) for number in range(1, 6)))

    outcomes = prove(works, services_on(storage, ProofLevel.STRICT))

    assert 5 == storage.journal.count("read")
    assert [ProofRung.REREAD] * 5 == rungs(outcomes)


def test_a_damaged_copy_is_discarded_and_the_others_are_proven(storage):
    good, bad = (storage.add_source(number, size_bytes=MIB) for number in ("1", "2"))
    (good_work,) = copied(storage, good)
    storage.damaged_parts.add(1)
    (bad_work,) = copied(storage, bad)

    outcomes = prove((bad_work, good_work), services_on(storage))

    assert [ProofRung.PART_ETAG] == rungs(outcomes)
    assert [2] == [outcome.copy_id for outcome in outcomes if isinstance(outcome, CopyDiscarded)]


def test_a_copy_damaged_twice_is_given_up(storage):
    source = storage.add_source("1", size_bytes=MIB)
    storage.damaged_parts.add(1)
    works = copied(storage, source, attempts=1)

    (outcome,) = prove(works, services_on(storage))

    assert isinstance(outcome, CopyFailed)
    assert ReasonCode.BYTES_DIFFER is outcome.reason


def test_a_source_overwritten_before_the_copy_is_suspect(storage):
    source = storage.add_source("1", size_bytes=MIB)
    storage.overwrite(source, "somebody else's bytes")
    works = copied(storage, source)

    (outcome,) = prove(works, services_on(storage))

    assert isinstance(outcome, CopyFailed)
    assert ReasonCode.SOURCE_SUSPECT is outcome.reason


def test_a_bad_copy_is_not_met_again_by_whoever_asks_for_the_same(storage):
    """The service keeps finished copies for 30 days, and gives them without evidence: it has to forget this one."""
    source = storage.add_source("1", size_bytes=MIB)
    recorded = storage.objects[source.key]
    storage.overwrite(source, "somebody else's bytes")
    prove(copied(storage, source), services_on(storage))
    storage.objects[source.key] = recorded  # the owner repaired it; a new index knows nothing of all this

    works = copied(storage, source)

    assert [ProofRung.PART_ETAG] == rungs(prove(works, services_on(storage)))
    assert source.md5 == storage.objects[storage.records[works[0].copied.new].key].md5


def test_a_copy_that_cannot_be_disowned_is_reported_with_that(storage):
    source = storage.add_source("1", size_bytes=MIB)
    storage.overwrite(source, "somebody else's bytes")
    works = copied(storage, source)
    storage.fail_next("start", ServerFault(call="POST /file/multipart", status=500, reason="oops"))

    (outcome,) = prove(works, services_on(storage))

    assert ReasonCode.SOURCE_SUSPECT is outcome.reason
    assert "oops" in outcome.detail


@pytest.mark.parametrize(("opaque", "forgotten"), [(True, 1), (False, 0)])
def test_an_unread_copy_is_forgotten_only_when_something_speaks_against_it(storage, opaque, forgotten):
    """Strict, and not readable now: with a contradicting ETag it may be bad, without ETags it is merely unproven."""
    source = storage.add_source("1", size_bytes=MIB)
    if opaque:
        storage.opaque.add(DESTINATION)
    else:
        copied(storage, source)  # met again below, so that no ETags are known
    works = copied(storage, source)
    storage.fail_next("look", S3Refused(trouble=S3Trouble.REFUSED, detail="no"))
    storage.fail_next("read", ServerFault(call="GET object", status=503, reason="busy"))

    (outcome,) = prove(works, services_on(storage, ProofLevel.STRICT))

    assert ReasonCode.S3_FAULT is outcome.reason
    assert forgotten == storage.journal.count("start!")


def test_a_damaged_copy_that_an_earlier_run_had_finished_is_found_out(storage):
    """Nobody has kept the part's ETag; that of the object tells, for no call more."""
    good, bad = (storage.add_source(number, size_bytes=MIB) for number in ("1", "2"))
    copied(storage, good)
    storage.damaged_parts.add(1)
    copied(storage, bad)
    works = copied(storage, good, bad)

    outcomes = prove(works, services_on(storage))

    assert [ProofRung.PART_ETAG] == rungs(outcomes)
    assert [2] == [outcome.copy_id for outcome in outcomes if isinstance(outcome, CopyDiscarded)]
    assert ["handles", "look", "look"] == storage.journal[:3]


def test_many_damaged_copies_each_get_a_verdict(storage):
    storage.damaged_parts.add(1)
    works = copied(storage, *(storage.add_source(str(number), size_bytes=MIB) for number in range(1, 8)))

    outcomes = prove(works, services_on(storage))

    assert list(range(1, 8)) == sorted(outcome.copy_id for outcome in outcomes)
    assert all(isinstance(outcome, CopyDiscarded) for outcome in outcomes)


def test_a_new_handle_that_is_not_there_is_an_incomplete_copy(storage):
    works = copied(storage, storage.add_source("1", size_bytes=MIB))
    del storage.records[works[0].copied.new]

    (outcome,) = prove(works, services_on(storage))

    assert ReasonCode.COPY_INCOMPLETE is outcome.reason


def test_records_that_cannot_be_read_now_may_be_read_later(storage):
    works = copied(storage, *(storage.add_source(number, size_bytes=MIB) for number in ("1", "2")))
    storage.fail_next("handles", ServerFault(call="POST /fileHandle/batch", status=500, reason="oops"))

    outcomes = prove(works, services_on(storage))

    assert [ReasonCode.SERVICE_FAULT] * 2 == [outcome.reason for outcome in outcomes]


@pytest.mark.parametrize(
    ("error", "level", "reason"),
    [
        (ServerFault, ProofLevel.STRICT, ReasonCode.S3_FAULT),
        (Forbidden, ProofLevel.STRICT, ReasonCode.PROOF_TOO_WEAK),
        (Forbidden, ProofLevel.STANDARD, ReasonCode.S3_FAULT),
    ],
)
def test_a_doubted_copy_that_cannot_be_read_is_not_proven(storage, error, level, reason):
    storage.opaque.add(DESTINATION)
    works = copied(storage, storage.add_source("1", size_bytes=MIB))
    storage.fail_next("read", error(call="GET object", status=500, reason="no"))

    (outcome,) = prove(works, services_on(storage, level))

    assert isinstance(outcome, CopyFailed)
    assert reason is outcome.reason


def refuse_second_reading(storage: FakeStorage, error: Exception) -> None:
    """The copy is read; its source is not."""

    def refuse(_: int) -> None:
        if storage.journal[-1] == "read" and storage.journal.count("read") == 2:
            raise error

    storage.before = refuse


def test_a_source_that_may_not_be_read_leaves_the_blame_with_the_copy(storage):
    storage.damaged_parts.add(1)
    works = copied(storage, storage.add_source("1", size_bytes=MIB))
    refuse_second_reading(storage, Forbidden(call="GET object", status=403, reason="no"))

    (outcome,) = prove(works, services_on(storage))

    assert isinstance(outcome, CopyDiscarded)


def test_a_source_that_cannot_be_read_just_now_blames_nobody(storage):
    storage.damaged_parts.add(1)
    works = copied(storage, storage.add_source("1", size_bytes=MIB))
    refuse_second_reading(storage, ServerFault(call="GET object", status=503, reason="busy"))

    (outcome,) = prove(works, services_on(storage))

    assert ReasonCode.S3_FAULT is outcome.reason


@pytest.mark.parametrize("call", ["handles", "read"])
def test_what_stops_a_run_comes_out_as_it_is(storage, call):
    storage.opaque.add(DESTINATION)
    works = copied(storage, *(storage.add_source(number, size_bytes=MIB) for number in ("1", "2")))
    storage.fail_next(call, AccessError("no token", fix=""))

    with pytest.raises(AccessError):
        prove(works, services_on(storage, ProofLevel.STRICT))


def test_a_stopped_run_judges_what_needs_no_reading_and_leaves_the_rest(storage):
    storage.opaque.add(DESTINATION)
    (doubted,) = copied(storage, storage.add_source("1", size_bytes=MIB))
    storage.opaque.clear()
    (clear,) = copied(storage, storage.add_source("2", size_bytes=MIB))
    services = services_on(storage)
    services.stop.set()

    outcomes = prove((doubted, clear), services)

    assert [2] == [outcome.copy_id for outcome in outcomes if not isinstance(outcome, EtagLearnt)]
    assert ["handles"] == storage.journal
