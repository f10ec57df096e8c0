"""Phase verify: read back what the places refer to now, 100 handles per call."""

from storage_core.errors import RestError
from storage_core.model.handles import HandleAnswer
from storage_core.model.items import ReasonCode
from storage_core.model.works import Verified, VerifyFailed, VerifyWork
from storage_core.steps.services import Emit, Services


async def verify_chunk(chunk: tuple[VerifyWork, ...], services: Services, emit: Emit) -> None:
    """Read up to 100 handles in one call and compare each place with what was meant to be written there.

    Any number of cells of one table may refer to the same handle: it is asked for once, and answers for them all.
    """
    asked = tuple(dict.fromkeys(work.association for work in chunk))
    try:
        answers = dict(zip(asked, await services.catalog.handles(asked), strict=True))
    except RestError as error:
        for work in chunk:
            emit(VerifyFailed(item_id=work.item_id, reason=ReasonCode.SERVICE_FAULT, detail=error.what))
        return
    for work in chunk:
        emit(compare(work, answers[work.association]))


def compare(work: VerifyWork, answer: HandleAnswer) -> Verified | VerifyFailed:
    """Right handle, right location, right size, right MD5: all four, or it is not verified."""
    handle = answer.handle
    if handle is None:
        return _differs(work, f"handle {work.association.handle_id} cannot be read: {answer.refusal}")
    checks = (
        ("handle", work.association.handle_id, handle.id),
        ("storage location", work.destination, handle.storage_location_id),
        ("size", work.size_bytes, handle.size_bytes),
        ("MD5", work.md5, handle.md5),
    )
    wrong = [f"{what} is {found}, expected {expected}" for what, expected, found in checks if expected != found]
    return _differs(work, "; ".join(wrong)) if wrong else Verified(item_id=work.item_id)


def _differs(work: VerifyWork, detail: str) -> VerifyFailed:
    return VerifyFailed(item_id=work.item_id, reason=ReasonCode.READ_BACK_DIFFERS, detail=detail)
