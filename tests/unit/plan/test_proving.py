"""plan/proving.py: what is proven, by which rung, and what is never attached."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage_core.model.copies import (
    Copied,
    CopyEvidence,
    CopyFailed,
    EngineName,
    EtagMeaning,
    ProofLevel,
    ProofRung,
    ProvenCopy,
)
from storage_core.model.handles import Association, AssociationKind, FileHandle, HandleAnswer, HandleKind, HandleRefusal
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.items import ReasonCode
from storage_core.model.works import CopyDiscarded, EtagLearnt, ProofWork
from storage_core.plan.proving import NeedsReread, Reread, as_recorded, judge


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


MIB = 1024**2
RECORDED = md5(b"original")
OTHER = md5(b"mutation")
DESTINATION = StorageLocationId(77)
SOURCE = FileHandle(
    id=FileHandleId("1"),
    kind=HandleKind.S3,
    concrete_type="org.sagebionetworks.repo.model.file.S3FileHandle",
    storage_location_id=StorageLocationId(1),
    size_bytes=12 * MIB,
    md5=RECORDED,
)
NEW = replace(SOURCE, id=FileHandleId("2"), storage_location_id=DESTINATION)
ONE_PART = CopyEvidence(part_count=1, part_size_bytes=12 * MIB, part_etags=(RECORDED,), source_etag="s3-says")
THREE_ETAGS = (md5(b"a"), md5(b"b"), md5(b"c"))
COMPOSITE = md5(b"".join(bytes.fromhex(etag) for etag in THREE_ETAGS)) + "-3"
THREE_PARTS = CopyEvidence(part_count=3, part_size_bytes=5 * MIB, part_etags=THREE_ETAGS, source_etag=COMPOSITE)


def work_of(evidence: CopyEvidence = ONE_PART, *, attempts: int = 0, source: FileHandle = SOURCE) -> ProofWork:
    return ProofWork(
        copied=Copied(copy_id=9, source=source.id, new=NEW.id, engine=EngineName.SYNAPSE, evidence=evidence),
        source=source,
        association=Association(handle_id=source.id, object_id=EntityId("syn7"), kind=AssociationKind.FILE),
        attempts=attempts,
    )


def judged(
    work: ProofWork,
    *,
    new: FileHandle | None = NEW,
    level: ProofLevel = ProofLevel.STANDARD,
    meaning: EtagMeaning = EtagMeaning.UNKNOWN,
    reread: Reread | None = None,
):
    answer = HandleAnswer(handle_id=NEW.id, handle=new, refusal=None if new else HandleRefusal.NOT_FOUND)
    return judge(work, answer, destination=DESTINATION, level=level, meaning=meaning, reread=reread)


def proven(rung: ProofRung) -> ProvenCopy:
    return ProvenCopy(copy_id=9, source=SOURCE.id, new=NEW.id, rung=rung)


def with_etag(etag: str) -> CopyEvidence:
    return replace(ONE_PART, part_etags=(etag,))


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (None, ReasonCode.COPY_INCOMPLETE),
        (replace(NEW, size_bytes=12 * MIB - 1), ReasonCode.SIZE_DIFFERS),
        (replace(NEW, size_bytes=None), ReasonCode.SIZE_DIFFERS),
        (replace(NEW, storage_location_id=StorageLocationId(1)), ReasonCode.READ_BACK_DIFFERS),
        (replace(NEW, md5=OTHER), ReasonCode.READ_BACK_DIFFERS),
        (replace(NEW, md5=None), ReasonCode.READ_BACK_DIFFERS),
        (replace(NEW, id=FileHandleId("3")), ReasonCode.READ_BACK_DIFFERS),
    ],
)
@pytest.mark.parametrize("level", list(ProofLevel))
def test_a_record_that_disagrees_is_never_attached_whatever_the_etags_say(new, reason, level):
    verdict = judged(work_of(), new=new, level=level).verdict

    assert isinstance(verdict, CopyFailed)
    assert reason is verdict.reason


def test_a_truncated_copy_is_refused_though_its_md5_record_is_right():
    """Half of the object arrived: the service gives such a handle the source's MD5 all the same."""
    half = replace(NEW, size_bytes=5 * MIB)

    verdict = judged(work_of(CopyEvidence(part_count=1, part_size_bytes=5 * MIB)), new=half).verdict

    assert isinstance(verdict, CopyFailed)
    assert ReasonCode.SIZE_DIFFERS is verdict.reason


@pytest.mark.parametrize(
    "evidence",
    [
        CopyEvidence(part_count=2, part_size_bytes=5 * MIB),
        CopyEvidence(part_count=4, part_size_bytes=5 * MIB),
        CopyEvidence(part_count=3, part_size_bytes=5 * MIB, part_etags=THREE_ETAGS[:2]),
        CopyEvidence(part_count=1, part_size_bytes=5 * MIB),
    ],
)
def test_a_part_too_few_or_too_many_makes_the_copy_incomplete(evidence):
    verdict = judged(work_of(evidence)).verdict

    assert isinstance(verdict, CopyFailed)
    assert ReasonCode.COPY_INCOMPLETE is verdict.reason


@pytest.mark.parametrize(("lacking", "reason"), [("md5", ReasonCode.NO_MD5), ("size_bytes", ReasonCode.NO_SIZE)])
def test_a_source_nobody_can_compare_with_is_not_proven(lacking, reason):
    verdict = judged(work_of(source=replace(SOURCE, **{lacking: None}))).verdict

    assert isinstance(verdict, CopyFailed)
    assert reason is verdict.reason


def test_a_single_part_with_the_recorded_md5_is_proven_by_its_etag_and_teaches_it():
    judgement = judged(work_of())

    assert proven(ProofRung.PART_ETAG) == judgement.verdict
    assert EtagLearnt(location_id=DESTINATION, meaning=EtagMeaning.MD5) == judgement.learnt


def test_nothing_is_learnt_twice():
    assert judged(work_of(), meaning=EtagMeaning.MD5).learnt is None


def test_letter_case_of_md5s_does_not_count():
    judgement = judged(work_of(with_etag(RECORDED.upper())), new=replace(NEW, md5=RECORDED.upper()))

    assert proven(ProofRung.PART_ETAG) == judgement.verdict


def test_a_single_part_with_another_md5_asks_for_the_bytes():
    verdict = judged(work_of(with_etag(OTHER))).verdict

    assert NeedsReread(new=True, source=False, settles_etags=True) == verdict


def test_right_bytes_under_a_wrong_etag_are_proven_and_make_the_location_opaque():
    judgement = judged(work_of(with_etag(OTHER)), reread=Reread(new=RECORDED))

    assert proven(ProofRung.REREAD) == judgement.verdict
    assert EtagLearnt(location_id=DESTINATION, meaning=EtagMeaning.OPAQUE) == judgement.learnt


@pytest.mark.parametrize("etag", [OTHER, RECORDED])
def test_an_opaque_location_is_judged_by_structure(etag):
    judgement = judged(work_of(with_etag(etag)), meaning=EtagMeaning.OPAQUE)

    assert proven(ProofRung.STRUCTURAL) == judgement.verdict
    assert judgement.learnt is None


@pytest.mark.parametrize("etag", ["", "abc", RECORDED + "-1", "0x8DC" + "0" * 27, "g" * 32])
def test_an_etag_that_is_no_md5_says_nothing(etag):
    assert proven(ProofRung.STRUCTURAL) == judged(work_of(with_etag(etag))).verdict


def test_wrong_bytes_ask_for_the_source_before_anybody_is_blamed():
    verdict = judged(work_of(with_etag(OTHER)), reread=Reread(new=OTHER)).verdict

    assert NeedsReread(new=True, source=True) == verdict


def test_a_source_that_has_the_same_wrong_bytes_is_suspect_and_stays_where_it_is():
    verdict = judged(work_of(with_etag(OTHER)), reread=Reread(new=OTHER, source=OTHER)).verdict

    assert isinstance(verdict, CopyFailed)
    assert ReasonCode.SOURCE_SUSPECT is verdict.reason


@pytest.mark.parametrize(
    "reread", [Reread(new=OTHER, source=RECORDED), Reread(new=OTHER, source_unreadable=True)], ids=["good", "unread"]
)
def test_wrong_bytes_are_discarded_once_and_then_given_up(reread):
    first = judged(work_of(with_etag(OTHER)), reread=reread).verdict
    second = judged(work_of(with_etag(OTHER), attempts=1), reread=reread).verdict

    assert isinstance(first, CopyDiscarded)
    assert isinstance(second, CopyFailed)
    assert ReasonCode.BYTES_DIFFER is second.reason


@pytest.mark.parametrize("meaning", list(EtagMeaning))
@pytest.mark.parametrize("evidence", [with_etag(OTHER), with_etag(RECORDED), replace(ONE_PART, part_etags=())])
def test_wrong_bytes_that_were_read_outweigh_whatever_is_learnt_about_etags_meanwhile(meaning, evidence):
    """Another chunk may find the location's ETags opaque between the reading and the verdict."""
    verdict = judged(work_of(evidence), meaning=meaning, reread=Reread(new=OTHER, source=RECORDED)).verdict

    assert isinstance(verdict, CopyDiscarded)


def test_parts_cut_as_the_source_was_are_proven_by_the_whole_etag():
    assert proven(ProofRung.ALIGNED_ETAG) == judged(work_of(THREE_PARTS)).verdict


@pytest.mark.parametrize("source_etag", [None, COMPOSITE[:-1] + "4", md5(b"whole"), "not composite", OTHER + "-3"])
def test_parts_cut_otherwise_are_proven_by_structure(source_etag):
    assert proven(ProofRung.STRUCTURAL) == judged(work_of(replace(THREE_PARTS, source_etag=source_etag))).verdict


def test_part_etags_that_are_no_md5s_never_align():
    strange = replace(THREE_PARTS, part_etags=("x", "y", "z"), source_etag=None)

    assert proven(ProofRung.STRUCTURAL) == judged(work_of(strange)).verdict


FINISHED_BEFORE = replace(ONE_PART, part_etags=(), source_etag=None)


@pytest.mark.parametrize("etag", [RECORDED, RECORDED.upper(), md5(bytes.fromhex(RECORDED)) + "-1"])
def test_a_finished_copy_met_on_resume_is_proven_by_the_etag_of_the_object(etag):
    assert proven(ProofRung.PART_ETAG) == judged(work_of(replace(FINISHED_BEFORE, object_etag=etag))).verdict


@pytest.mark.parametrize("etag", [OTHER, md5(bytes.fromhex(OTHER)) + "-1", md5(bytes.fromhex(RECORDED)) + "-2"])
def test_a_finished_copy_whose_object_has_another_etag_is_read(etag):
    work = work_of(replace(FINISHED_BEFORE, object_etag=etag))

    assert NeedsReread(new=True, source=False, settles_etags=True) == judged(work).verdict
    assert EtagMeaning.OPAQUE is judged(work, reread=Reread(new=RECORDED)).learnt.meaning


def test_a_finished_copy_whose_etag_is_not_told_is_read_and_teaches_nothing():
    work = work_of(FINISHED_BEFORE)

    assert NeedsReread(new=True, source=False) == judged(work).verdict
    assert proven(ProofRung.REREAD) == judged(work, reread=Reread(new=RECORDED)).verdict
    assert judged(work, reread=Reread(new=RECORDED)).learnt is None


def test_where_etags_say_nothing_a_finished_copy_is_proven_by_structure():
    assert proven(ProofRung.STRUCTURAL) == judged(work_of(FINISHED_BEFORE), meaning=EtagMeaning.OPAQUE).verdict


def test_a_finished_copy_of_several_parts_is_proven_by_structure():
    assert proven(ProofRung.STRUCTURAL) == judged(work_of(replace(THREE_PARTS, part_etags=()))).verdict


def test_bytes_that_streamed_through_us_are_proven_by_their_hash():
    evidence = CopyEvidence(part_count=1, part_size_bytes=12 * MIB, hashed_md5=RECORDED)

    assert proven(ProofRung.HASHED) == judged(work_of(evidence), level=ProofLevel.STRICT).verdict


def test_a_stream_with_another_hash_is_settled_by_reading_the_source():
    work = work_of(CopyEvidence(part_count=1, part_size_bytes=12 * MIB, hashed_md5=OTHER))

    assert NeedsReread(new=False, source=True) == judged(work).verdict
    assert isinstance(judged(work, reread=Reread(source=RECORDED)).verdict, CopyDiscarded)
    assert judged(work, reread=Reread(source=OTHER)).verdict.reason is ReasonCode.SOURCE_SUSPECT


def test_an_empty_file_is_one_part():
    evidence = CopyEvidence(part_count=1, part_size_bytes=5 * MIB, hashed_md5=md5(b""))
    empty = replace(SOURCE, size_bytes=0, md5=md5(b""))

    verdict = judged(work_of(evidence, source=empty), new=replace(NEW, size_bytes=0, md5=md5(b""))).verdict

    assert proven(ProofRung.HASHED) == verdict


@pytest.mark.parametrize(
    "work", [work_of(replace(ONE_PART, part_etags=())), work_of(replace(THREE_PARTS, source_etag=None))]
)
def test_strict_reads_what_structure_alone_would_have_proven(work):
    assert NeedsReread(new=True, source=False) == judged(work, level=ProofLevel.STRICT).verdict
    assert proven(ProofRung.REREAD) == judged(work, level=ProofLevel.STRICT, reread=Reread(new=RECORDED)).verdict


def test_strict_finds_the_wrong_bytes_that_structure_does_not_see():
    work = work_of(replace(ONE_PART, part_etags=()))

    verdict = judged(work, level=ProofLevel.STRICT, reread=Reread(new=OTHER, source=RECORDED)).verdict

    assert isinstance(verdict, CopyDiscarded)


MD5S = st.sampled_from([RECORDED, OTHER, md5(b"third")])


@given(
    etag=MD5S,
    meanings=st.tuples(st.sampled_from(EtagMeaning), st.sampled_from(EtagMeaning)),
    level=st.sampled_from(ProofLevel),
    in_new=MD5S,
    in_source=st.none() | MD5S,
    known=st.booleans(),
)
def test_every_copy_gets_a_final_verdict_after_two_rereads_and_wrong_bytes_read_are_never_proven(
    etag, meanings, level, in_new, in_source, known
):
    """Whatever is true of the bytes: an answer to each question asked ends the judgement."""
    work = work_of(replace(ONE_PART, part_etags=(etag,) if known else ()))
    reread = None
    meaning, meaning_later = meanings
    for _ in range(3):
        verdict = judged(work, level=level, meaning=meaning, reread=reread).verdict
        if not isinstance(verdict, NeedsReread):
            break
        reread = Reread(
            new=in_new if verdict.new else None,
            source=in_source if verdict.source else None,
            source_unreadable=verdict.source and in_source is None,
        )
        meaning = meaning_later

    assert not isinstance(verdict, NeedsReread)
    if reread is not None and in_new != RECORDED:
        assert not isinstance(verdict, ProvenCopy)
    if level is ProofLevel.STRICT and isinstance(verdict, ProvenCopy):
        assert verdict.rung is not ProofRung.STRUCTURAL


def test_a_copy_recorded_as_proven_without_its_rung_is_nobodys_proof():
    with pytest.raises(ValueError, match="nobody knows how"):
        as_recorded(copy_id=9, source=SOURCE.id, new=NEW.id, rung=None)


CHECKED = replace(THREE_PARTS, source_etag="s3-says", source_checksum="CRC64NVME:a", new_checksum="CRC64NVME:a")


@pytest.mark.parametrize("level", list(ProofLevel))
@pytest.mark.parametrize("meaning", list(EtagMeaning))
def test_equal_checksums_of_s3_prove_what_came_in_parts_also_strictly(level, meaning):
    assert proven(ProofRung.CHECKSUM) == judged(work_of(CHECKED), level=level, meaning=meaning).verdict


def test_checksums_that_differ_are_settled_by_reading():
    other = replace(CHECKED, new_checksum="CRC64NVME:b")
    assert NeedsReread(new=True, source=False) == judged(work_of(other)).verdict


def test_equal_checksums_do_not_hide_an_etag_that_disagrees_with_the_record():
    """The copy is like the source; whether the source is what was recorded, only its bytes can tell."""
    suspicious = replace(with_etag(OTHER), source_checksum="CRC32:a", new_checksum="CRC32:a")
    verdict = judged(work_of(suspicious)).verdict
    assert NeedsReread(new=True, source=False, settles_etags=True) == verdict
    opaque = judged(work_of(suspicious), meaning=EtagMeaning.OPAQUE).verdict
    assert proven(ProofRung.CHECKSUM) == opaque
