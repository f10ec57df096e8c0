"""The judge: says whether a copy holds the source's bytes, and by which rung of the ladder (docs/proof.md).

The only place that makes a `ProvenCopy`; a test reads the whole tree to keep it so.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from storage_core.model.checks import BytesCheck, BytesDiffer
from storage_core.model.copies import CopyEvidence, CopyFailed, EtagMeaning, ProofLevel, ProofRung, ProvenCopy
from storage_core.model.handles import FileHandle, HandleAnswer
from storage_core.model.ids import FileHandleId, StorageLocationId
from storage_core.model.items import ReasonCode
from storage_core.model.works import CopyDiscarded, EtagLearnt, ProofWork

_MD5 = re.compile(r"[0-9a-f]{32}")
_COMPOSITE = re.compile(r"[0-9a-f]{32}-\d{1,5}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reread:
    """MD5s of objects that were read once more, lower-case hex; None when not asked for, or not readable.

    Attributes:
        new: of the copy.
        source: of the source.
        source_unreadable: the source was asked for and could not be read.
    """

    new: str | None = None
    source: str | None = None
    source_unreadable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsReread:
    """Nothing can be said before these objects are read. Judge again with a `Reread` that answers everything asked.

    Attributes:
        settles_etags: reading one copy shows what this location's ETags mean, so others may not need reading.
    """

    new: bool
    source: bool
    settles_etags: bool = False


FinalVerdict = ProvenCopy | CopyFailed | CopyDiscarded
Verdict = FinalVerdict | NeedsReread


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, and what it taught about the destination's ETags, if anything new."""

    verdict: Verdict
    learnt: EtagLearnt | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """Everything one judgement rests on, once the records agree."""

    work: ProofWork
    recorded_md5: str
    destination: StorageLocationId
    level: ProofLevel
    meaning: EtagMeaning
    reread: Reread

    def learns(self, meaning: EtagMeaning) -> EtagLearnt | None:
        if meaning is self.meaning:
            return None
        return EtagLearnt(location_id=self.destination, meaning=meaning)


def wants_object_etag(work: ProofWork, meaning: EtagMeaning) -> bool:
    """Whether the ETag of the new object would prove a copy of one part whose own ETag nobody has kept.

    That is so when an earlier run, or a request whose answer was lost, had finished the copy.
    """
    evidence = work.copied.evidence
    return (
        meaning is not EtagMeaning.OPAQUE
        and evidence.part_count == 1
        and not evidence.part_etags
        and evidence.hashed_md5 is None
        and evidence.new_checksum is None
    )


def judge(
    work: ProofWork,
    answer: HandleAnswer,
    *,
    destination: StorageLocationId,
    level: ProofLevel,
    meaning: EtagMeaning,
    reread: Reread | None = None,
) -> Judgement:
    """Judge one copy by Synapse's record of the new handle, the copy's own evidence, and bytes read if need be.

    Asks for a reread at most twice (the copy, then the source as well) and then comes to a final verdict. A copy that
    `wants_object_etag` and does not get it is read, since a weaker rung would be taken for want of an answer only.

    Args:
        answer: what the batch of handles said about the new handle.
        meaning: what is known about the ETags of *destination*.
        reread: everything read so far for this copy.
    """
    trouble = _trouble_with_records(work, answer, destination)
    if trouble is not None:
        return Judgement(verdict=trouble)
    case = _Case(
        work=work,
        recorded_md5=(work.source.md5 or "").lower(),
        destination=destination,
        level=level,
        meaning=meaning,
        reread=reread or Reread(),
    )
    return _judge_bytes(case)


def _trouble_with_records(work: ProofWork, answer: HandleAnswer, destination: StorageLocationId) -> CopyFailed | None:
    """What Synapse's own records say against the copy. Cheap, and done for every rung."""
    handle = answer.handle
    if handle is None:
        refusal = answer.refusal.value if answer.refusal is not None else "no answer"
        return _failed(work, ReasonCode.COPY_INCOMPLETE, f"The new file handle {work.copied.new}: {refusal}.")
    return (
        _trouble_with_source(work) or _trouble_with_new_handle(work, handle, destination) or _trouble_with_parts(work)
    )


def _trouble_with_source(work: ProofWork) -> CopyFailed | None:
    if not work.source.md5:
        return _failed(work, ReasonCode.NO_MD5, "Synapse recorded no MD5 for the source.")
    if work.source.size_bytes is None:
        return _failed(work, ReasonCode.NO_SIZE, "Synapse recorded no size for the source.")
    return None


def _trouble_with_new_handle(work: ProofWork, new: FileHandle, destination: StorageLocationId) -> CopyFailed | None:
    # the size first: a truncated copy carries the source's MD5 record all the same (contract 8.1)
    if new.size_bytes != work.source.size_bytes:
        return _failed(
            work,
            ReasonCode.SIZE_DIFFERS,
            f"The source has {work.source.size_bytes} bytes, file handle {new.id} has {new.size_bytes}.",
        )
    if new.id != work.copied.new or new.id == work.source.id:
        return _failed(work, ReasonCode.READ_BACK_DIFFERS, f"Asked for file handle {work.copied.new}, got {new.id}.")
    if new.storage_location_id != destination:
        return _failed(
            work,
            ReasonCode.READ_BACK_DIFFERS,
            f"File handle {new.id} is in storage location {new.storage_location_id}, not {destination}.",
        )
    # letter case does not count (contract 7.9)
    if (new.md5 or "").lower() != (work.source.md5 or "").lower():
        return _failed(
            work, ReasonCode.READ_BACK_DIFFERS, f"File handle {new.id} is recorded with another MD5 than the source."
        )
    return None


def _trouble_with_parts(work: ProofWork) -> CopyFailed | None:
    evidence = work.copied.evidence
    expected = max(1, -(-(work.source.size_bytes or 0) // max(1, evidence.part_size_bytes)))
    if evidence.part_count != expected or len(evidence.part_etags) not in (0, expected):
        return _failed(
            work,
            ReasonCode.COPY_INCOMPLETE,
            f"{expected} parts make the whole; the copy was made of {evidence.part_count} "
            f"and shows {len(evidence.part_etags)} ETags.",
        )
    return None


def _judge_bytes(case: _Case) -> Judgement:
    """Climb the ladder, strongest free rung first. Bytes that were read outweigh every ETag."""
    evidence = case.work.copied.evidence
    if evidence.hashed_md5 is not None:
        if evidence.hashed_md5.lower() == case.recorded_md5:
            return _proven(case, ProofRung.HASHED)
        return _judge_other_bytes(case, evidence.hashed_md5.lower())
    if case.reread.new is not None:
        return _judge_read_bytes(case, case.reread.new)
    return _judge_checksums(case) if case.meaning is EtagMeaning.OPAQUE else _judge_etags(case)


def _judge_etags(case: _Case) -> Judgement:
    evidence = case.work.copied.evidence
    agrees = _etag_agrees(case)
    if agrees is not None:
        if agrees:
            return _proven(case, ProofRung.PART_ETAG, learnt=case.learns(EtagMeaning.MD5))
        return Judgement(verdict=NeedsReread(new=True, source=False, settles_etags=True))
    if wants_object_etag(case.work, case.meaning) and evidence.object_etag is None:
        return Judgement(verdict=NeedsReread(new=True, source=False))
    if _composite_of(evidence) == _composite_of_source(evidence):
        return _proven(case, ProofRung.ALIGNED_ETAG)
    return _judge_checksums(case)


def _judge_checksums(case: _Case) -> Judgement:
    """S3's own checksums over the whole of both objects, where there are two that can be compared."""
    evidence = case.work.copied.evidence
    if evidence.source_checksum is None or evidence.new_checksum is None:
        return _judge_structure(case)
    if evidence.source_checksum == evidence.new_checksum:
        return _proven(case, ProofRung.CHECKSUM)
    return Judgement(verdict=NeedsReread(new=True, source=False))


def _judge_read_bytes(case: _Case, new_md5: str) -> Judgement:
    if new_md5 != case.recorded_md5:
        return _judge_other_bytes(case, new_md5)
    # right bytes under another ETag: the ETags of this location are no MD5s
    is_opaque = _etag_agrees(case) is False
    return _proven(case, ProofRung.REREAD, learnt=case.learns(EtagMeaning.OPAQUE) if is_opaque else None)


def _judge_structure(case: _Case) -> Judgement:
    """Nothing speaks against the copy; S3 itself copied every range under if-match on the source's ETag."""
    if case.level is ProofLevel.STANDARD:
        return _proven(case, ProofRung.STRUCTURAL)
    return Judgement(verdict=NeedsReread(new=True, source=False))


def _judge_other_bytes(case: _Case, new_md5: str) -> Judgement:
    """The new bytes do not have the recorded MD5: is it the copy, or was the source never what the record says?"""
    if case.reread.source is None and not case.reread.source_unreadable:
        # whatever was already read stays asked for, so that one answer can hold all of it
        return Judgement(verdict=NeedsReread(new=case.reread.new is not None, source=True))
    found = (
        f"Recorded MD5 {case.recorded_md5}, the copy has {new_md5}, the source {case.reread.source or 'unreadable'}."
    )
    if case.reread.source == new_md5:
        return Judgement(verdict=_failed(case.work, ReasonCode.SOURCE_SUSPECT, found))
    if case.work.attempts == 0:
        return Judgement(
            verdict=CopyDiscarded(copy_id=case.work.copied.copy_id, source=case.work.copied.source, detail=found)
        )
    return Judgement(verdict=_failed(case.work, ReasonCode.BYTES_DIFFER, found))


def _etag_agrees(case: _Case) -> bool | None:
    """Whether the ETag of an only part is the recorded MD5; None when there is none that looks like an MD5.

    Many servers give ETags that do not. The ETag of the whole object tells the same: it is the part's, or what S3
    makes of it for an upload in one part.
    """
    evidence = case.work.copied.evidence
    if evidence.part_count != 1:
        return None
    if evidence.part_etags:
        etag = evidence.part_etags[0].lower()
        return etag == case.recorded_md5 if _MD5.fullmatch(etag) else None
    etag = (evidence.object_etag or "").lower()
    if _MD5.fullmatch(etag) or _COMPOSITE.fullmatch(etag):
        return etag in (case.recorded_md5, _composite((case.recorded_md5,)))
    return None


def _composite_of(evidence: CopyEvidence) -> str | None:
    """The ETag that S3 gives an object made of these parts: MD5 of the parts' MD5s, and their number."""
    etags = [etag.lower() for etag in evidence.part_etags]
    if not etags or not all(_MD5.fullmatch(etag) for etag in etags):
        return None
    return _composite(etags)


def _composite(md5s: Sequence[str]) -> str:
    joined = hashlib.md5(b"".join(bytes.fromhex(md5) for md5 in md5s), usedforsecurity=False)
    return f"{joined.hexdigest()}-{len(md5s)}"


def _composite_of_source(evidence: CopyEvidence) -> str:
    """The source's ETag when it is one of several parts; else a text that equals no composite."""
    etag = (evidence.source_etag or "").lower()
    return etag if _COMPOSITE.fullmatch(etag) else "not composite"


def _proven(case: _Case, rung: ProofRung, *, learnt: EtagLearnt | None = None) -> Judgement:
    copied = case.work.copied
    return Judgement(
        verdict=ProvenCopy(copy_id=copied.copy_id, source=copied.source, new=copied.new, rung=rung), learnt=learnt
    )


def judge_again(check: BytesCheck, md5: str) -> ProvenCopy | BytesDiffer:
    """What reading a proven copy's object once more shows; *md5* is of its bytes, lower-case hex.

    A copy that something stronger than reading has proven keeps that rung.
    """
    if md5 != check.md5.lower():
        detail = f"The object of file handle {check.handle} has MD5 {md5}; {check.md5} was copied and proven."
        return BytesDiffer(copy_id=check.copy_id, detail=detail)
    was_weaker = check.rung < ProofRung.REREAD
    rung = ProofRung.REREAD if was_weaker else check.rung
    return ProvenCopy(copy_id=check.copy_id, source=check.source, new=check.handle, rung=rung)


def as_recorded(*, copy_id: int, source: FileHandleId, new: FileHandleId, rung: str | None) -> ProvenCopy:
    """A verdict that was given here and kept by the index since.

    Raises:
        ValueError: no rung of the ladder was kept with it, so nobody proved this copy. A bug, never bad input.
    """
    if rung is None:
        raise ValueError(f"copy {copy_id} counts as proven, and nobody knows how")
    return ProvenCopy(copy_id=copy_id, source=source, new=new, rung=ProofRung(rung))


def _failed(work: ProofWork, reason: ReasonCode, detail: str) -> CopyFailed:
    return CopyFailed(copy_id=work.copied.copy_id, source=work.copied.source, reason=reason, detail=detail)
