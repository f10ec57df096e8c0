"""Phase prove: read the records of new handles, 100 per call, judge each copy, read bytes again where it must be."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from storage_core.errors import RestError, ServerFault
from storage_core.model.copies import CopyFailed, CopyRequest, ProofLevel
from storage_core.model.handles import Association, HandleAnswer
from storage_core.model.items import ReasonCode
from storage_core.model.works import ProofWork
from storage_core.plan.proving import FinalVerdict, Judgement, NeedsReread, Reread, judge, wants_object_etag
from storage_core.steps.services import Emit, Services

_READS_AT_ONCE = 4
"""Objects of one chunk that are hashed side by side; hashing is bound by the line, not by us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One copy on trial: what its new handle looks like, and the bytes read so far."""

    work: ProofWork
    answer: HandleAnswer
    reread: Reread = field(default_factory=Reread)


async def prove_chunk(chunk: tuple[ProofWork, ...], services: Services, emit: Emit) -> None:
    """Judge up to 100 copies and emit one verdict for each, after whatever it taught about ETags.

    One Synapse call, and the bytes of those copies that only their bytes can prove. Of copies that somebody else had
    finished it looks up the ETag, which costs no call. A copy without a verdict
    (the run was asked to stop) stays pending. Raises what stops a run; a trouble of one copy is its verdict.
    """
    meaning = services.etag_meanings.meaning(services.settings.destination)
    with_urls = any(wants_object_etag(work, meaning) for work in chunk)
    try:
        answers = await services.catalog.handles([_association_of_new(work) for work in chunk], with_urls=with_urls)
    except ServerFault as error:
        for work in chunk:
            emit(_failed(work, ReasonCode.SERVICE_FAULT, error.what))
        return
    # all at once: the addresses live for half a minute (contract 7.3)
    pending = await asyncio.gather(
        *(_with_object_etag(work, answer, services) for work, answer in zip(chunk, answers, strict=True))
    )
    while pending:
        pending = await _one_round(pending, services, emit)


async def _with_object_etag(work: ProofWork, answer: HandleAnswer, services: Services) -> _Case:
    meaning = services.etag_meanings.meaning(services.settings.destination)
    if answer.presigned_url is None or not wants_object_etag(work, meaning):
        return _Case(work=work, answer=answer)
    etag = await services.reader.etag_at(answer.presigned_url)
    evidence = replace(work.copied.evidence, object_etag=etag)
    return _Case(work=replace(work, copied=replace(work.copied, evidence=evidence)), answer=answer)


async def _one_round(pending: Sequence[_Case], services: Services, emit: Emit) -> list[_Case]:
    """Emit every verdict that can be given now, read for the others; return those to be judged again.

    A stopped run reads nothing more: reading may take an hour, and what has no verdict stays pending.
    Of the copies that put the location's ETags in doubt only one is read: what it teaches may settle the rest.
    """
    due: list[tuple[_Case, NeedsReread]] = []
    doubted: list[tuple[_Case, NeedsReread]] = []
    for case in pending:
        verdict = _judge(case, services, emit).verdict
        if isinstance(verdict, NeedsReread):
            (doubted if verdict.settles_etags else due).append((case, verdict))
        else:
            emit(await _final(case.work, verdict, services))
    if services.stop.is_set():
        return []
    due += doubted[:1]
    read = await _read_all(due, services, emit)
    return read + [case for case, _ in doubted[1:]]


def _judge(case: _Case, services: Services, emit: Emit) -> Judgement:
    """Judge with what is known by now; what is learnt counts from here on."""
    destination = services.settings.destination
    judgement = judge(
        case.work,
        case.answer,
        destination=destination,
        level=services.proof_level,
        meaning=services.etag_meanings.meaning(destination),
        reread=case.reread,
    )
    if judgement.learnt is not None:
        services.etag_meanings.learn(judgement.learnt.location_id, judgement.learnt.meaning)
        emit(judgement.learnt)
    return judgement


async def _read_all(due: Sequence[tuple[_Case, NeedsReread]], services: Services, emit: Emit) -> list[_Case]:
    """Read what is asked for, a few objects at a time; a copy that cannot be read gets its verdict here."""
    slots = asyncio.Semaphore(_READS_AT_ONCE)

    async def read(case: _Case, needs: NeedsReread) -> _Case | CopyFailed:
        async with slots:
            return await _read(case, needs, services)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(read(case, needs)) for case, needs in due]
    except BaseExceptionGroup as together:
        # what stops a run is one error, not a group
        raise together.exceptions[0] from together
    outcomes = [task.result() for task in tasks]
    for outcome in outcomes:
        if isinstance(outcome, CopyFailed):
            emit(outcome)
    return [outcome for outcome in outcomes if isinstance(outcome, _Case)]


async def _read(case: _Case, needs: NeedsReread, services: Services) -> _Case | CopyFailed:
    reread = case.reread
    try:
        if needs.new and reread.new is None:
            reread = replace(reread, new=await services.reader.md5_of(_association_of_new(case.work)))
        if needs.source and reread.source is None:
            reread = await _with_source(reread, case.work.association, services)
    except RestError as error:
        failed = _unreadable(case.work, error, services.proof_level)
        is_doubted = needs.settles_etags or reread.new is not None
        return await _disowned(case.work, failed, services) if is_doubted else failed
    return replace(case, reread=reread)


async def _with_source(reread: Reread, source: Association, services: Services) -> Reread:
    try:
        return replace(reread, source=await services.reader.md5_of(source))
    except ServerFault:
        raise
    except RestError:
        # the source is not ours to read: nobody can say whose fault it is, and the copy is judged as a bad one
        return replace(reread, source_unreadable=True)


async def _final(work: ProofWork, verdict: FinalVerdict, services: Services) -> FinalVerdict:
    """See to it that a copy judged bad is never met again; a discarded one is taken care of by its next try."""
    return await _disowned(work, verdict, services) if isinstance(verdict, CopyFailed) else verdict


async def _disowned(work: ProofWork, failed: CopyFailed, services: Services) -> CopyFailed:
    """Have the copy forgotten. Otherwise a later try would be given it as finished, with no evidence against it."""
    request = CopyRequest(
        copy_id=work.copied.copy_id,
        source=work.source,
        association=work.association,
        destination=services.settings.destination,
        engine=work.copied.engine,
    )
    try:
        await services.engine.disown(request)
    except RestError as error:
        return replace(failed, detail=f"{failed.detail} A repeat may still meet this copy: {error.what}")
    return failed


def _unreadable(work: ProofWork, error: RestError, level: ProofLevel) -> CopyFailed:
    """An object could not be read: later perhaps, or never as strictly as asked for."""
    is_lasting = level is ProofLevel.STRICT and not isinstance(error, ServerFault)
    return _failed(work, ReasonCode.PROOF_TOO_WEAK if is_lasting else ReasonCode.S3_FAULT, error.what)


def _association_of_new(work: ProofWork) -> Association:
    """How to read the new handle: nothing refers to it yet, but its creator may read it (contract 7.3)."""
    return replace(work.association, handle_id=work.copied.new)


def _failed(work: ProofWork, reason: ReasonCode, detail: str) -> CopyFailed:
    return CopyFailed(copy_id=work.copied.copy_id, source=work.copied.source, reason=reason, detail=detail)
