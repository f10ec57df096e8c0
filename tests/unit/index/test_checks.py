"""What a deep verification notes, and for how long."""

from datetime import timedelta

import pytest

from storage_core.index.checks import GOES_ON_FOR
from storage_core.index.opening import open_index
from storage_core.index.store import Index
from storage_core.model.checks import ByteScope, BytesDiffer, BytesUnread, CheckResult
from storage_core.model.copies import ProofRung
from storage_core.model.ids import FileHandleId
from storage_core.model.items import ReasonClass, ReasonCode
from storage_core.model.repoints import Drifted, Repointed
from storage_core.model.works import Verified, VerifyFailed
from storage_core.plan.proving import judge_again
from tests.unit.index.builders import describe, handle, header, listed_tree, made, proven, version_item


def migrated(index: Index, *rungs: ProofRung) -> None:
    """A file per rung, numbered from 11, migrated."""
    numbers = range(11, 11 + len(rungs))
    listed_tree(index, *(header(number) for number in numbers))
    describe(index, *(version_item(number, 1, handle(number)) for number in numbers))
    index.finish_indexing()
    copies = [made(request, 1000 + request.copy_id) for request in index.pending_copies(after=0, limit=100)]
    index.record_copies(copies)
    index.record_proofs([proven(copied, rung) for copied, rung in zip(copies, rungs, strict=True)])
    works = index.pending_repoints(after=0, limit=100)
    index.record_repoints([Repointed(item_id=change.item_id) for work in works for change in work.changes])
    index.record_verifications(
        [Verified(item_id=one.item_id) for one in index.pending_verifications(after=0, limit=99)]
    )


def statuses(index: Index) -> dict[str, int]:
    return {str(count.status): count.items for count in index.counts()}


def test_only_weak_proofs_are_read_unless_all_are_asked_for(index):
    migrated(index, ProofRung.STRUCTURAL, ProofRung.PART_ETAG, ProofRung.REREAD)
    index.begin_checks()

    found = {scope: len(index.pending_byte_checks(scope, after=0, limit=9)) for scope in ByteScope}

    assert {ByteScope.WEAK: 1, ByteScope.ALL: 3, ByteScope.NONE: 0} == found
    assert (3, 1) == (index.checks_ahead(ByteScope.WEAK).files, index.checks_ahead(ByteScope.WEAK).objects)


@pytest.mark.parametrize(
    ("before", "after"), [(ProofRung.STRUCTURAL, ProofRung.REREAD), (ProofRung.PART_ETAG, ProofRung.PART_ETAG)]
)
def test_reading_raises_a_weak_proof_and_never_lowers_a_strong_one(index, before, after):
    migrated(index, before)
    index.begin_checks()
    (check,) = index.pending_byte_checks(ByteScope.ALL, after=0, limit=9)

    index.record_byte_checks([judge_again(check, check.md5)])

    assert after is ProofRung(index.database.rows("select proof from copies_v1")[0][0])
    assert () == index.pending_byte_checks(ByteScope.ALL, after=0, limit=9)


def test_other_bytes_are_damage_whatever_the_proof_was(index):
    migrated(index, ProofRung.PART_ETAG)
    index.begin_checks()
    (check,) = index.pending_byte_checks(ByteScope.ALL, after=0, limit=9)

    verdict = judge_again(check, "f" * 32)
    assert isinstance(verdict, BytesDiffer)
    index.record_byte_checks([verdict])
    index.retry(frozenset(ReasonClass))

    assert {"ERRORED": 1} == statuses(index)
    assert 1 == index.returns_ahead(None).places


def test_a_place_that_moved_on_is_drift_even_when_its_object_is_damaged(index):
    """It does not refer to the damaged object any more, whichever is noticed first."""
    migrated(index, ProofRung.STRUCTURAL)
    index.begin_checks()
    (place,) = index.pending_place_checks(after=0, limit=9)
    (check,) = index.pending_byte_checks(ByteScope.WEAK, after=0, limit=9)

    index.record_byte_checks([BytesDiffer(copy_id=check.copy_id, detail="other bytes")])
    index.record_place_checks(
        [Drifted(item_id=place.item_id, reason=ReasonCode.HANDLE_CHANGED, detail="refers to 5 now")]
    )

    assert {"DRIFTED": 1} == statuses(index)


def test_what_could_not_be_read_changes_nothing_and_is_asked_for_again(index):
    migrated(index, ProofRung.STRUCTURAL)
    index.begin_checks()
    (place,) = index.pending_place_checks(after=0, limit=9)
    (check,) = index.pending_byte_checks(ByteScope.WEAK, after=0, limit=9)
    why = ReasonCode.SERVICE_FAULT
    index.record_place_checks([VerifyFailed(item_id=place.item_id, reason=why, detail="503")])
    index.record_byte_checks([BytesUnread(copy_id=check.copy_id, reason=why, detail="503")])
    assert () == index.pending_place_checks(after=0, limit=9)

    assert index.begin_checks()

    assert {"MIGRATED": 1} == statuses(index)
    assert 1 == len(index.pending_place_checks(after=0, limit=9))
    assert 1 == len(index.pending_byte_checks(ByteScope.WEAK, after=0, limit=9))


@pytest.mark.parametrize("age", [timedelta(0), GOES_ON_FOR + timedelta(seconds=1)])
def test_a_broken_off_verification_goes_on_for_a_day(index, age):
    migrated(index, ProofRung.REREAD)
    index.begin_checks()
    (place,) = index.pending_place_checks(after=0, limit=9)
    index.record_place_checks([Verified(item_id=place.item_id)])
    index.database.rows("update checked set checked_at = checked_at - cast(? as interval)", [age])

    goes_on = index.begin_checks()

    assert (age == timedelta(0)) == goes_on
    assert (0 if goes_on else 1) == len(index.pending_place_checks(after=0, limit=9))


def test_a_finished_verification_reports_and_the_next_begins_anew(index):
    migrated(index, ProofRung.STRUCTURAL)
    index.begin_checks()
    (place,) = index.pending_place_checks(after=0, limit=9)
    index.record_place_checks([Drifted(item_id=place.item_id, reason=ReasonCode.GONE, detail="version 1 is gone")])

    report = index.end_checks()

    (finding,) = report.findings
    assert ({CheckResult.DRIFTED: 1}, "syn11", "version 1") == (report.places, finding.entity_id, finding.place)
    assert FileHandleId("1001") == finding.handle
    assert not index.begin_checks()
    assert 1 == len(index.pending_place_checks(after=0, limit=9))


def test_an_index_of_the_release_before_learns_to_note_checks(tmp_path):
    """The step is applied when it is opened; what it had stays."""
    from tests.unit.index.builders import fresh_index

    with fresh_index(tmp_path) as index:
        migrated(index, ProofRung.STRUCTURAL)
        for table in ("checked", "protection", "canary"):
            index.database.rows(f"drop table {table}")
        for table in ("item_facts", "copy_source"):
            index.database.rows(f"alter table {table} drop column address")
        index.database.rows("delete from schema_step where number >= 8")

    with open_index(tmp_path / "project.duckdb", None, create=False) as index:
        assert not index.begin_checks()
        assert 1 == index.checks_ahead(ByteScope.WEAK).files
