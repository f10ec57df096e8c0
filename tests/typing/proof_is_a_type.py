"""Never run: mypy reads it. Each line marked "rejected" must be an error of that kind, and no other line one."""

from typing import assert_type

from storage_core.model.copies import Copied, CopyFailed, ProofRung, ProvenCopy
from storage_core.model.handles import HandleAnswer
from storage_core.model.ids import FileHandleId, StorageLocationId
from storage_core.model.places import FileVersion
from storage_core.model.repoints import AddVersion, SwapVersionHandle
from storage_core.model.works import CopyDiscarded, ProofWork
from storage_core.plan.proving import Judgement, NeedsReread
from storage_core.plan.repointing import repoint


def only_a_proven_copy_is_repointed(place: FileVersion, copied: Copied, proven: ProvenCopy, failed: CopyFailed) -> None:
    assert_type(repoint(1, place, proven), SwapVersionHandle | AddVersion)
    repoint(1, place, copied)  # rejected: call-overload
    repoint(1, place, failed)  # rejected: call-overload


def a_verdict_has_to_be_looked_at(place: FileVersion, judgement: Judgement) -> None:
    repoint(1, place, judgement.verdict)  # rejected: arg-type
    match judgement.verdict:
        case ProvenCopy() as proven:
            repoint(1, place, proven)
        case CopyFailed() | CopyDiscarded() | NeedsReread():
            pass


def proof_cannot_be_changed_or_half_given(proven: ProvenCopy, handle: FileHandleId) -> None:
    proven.new = handle  # rejected: misc
    ProvenCopy(copy_id=1, source=handle, new=handle)  # rejected: call-arg
    ProvenCopy(copy_id=1, source=handle, new=handle, rung="reread")  # rejected: arg-type
    assert_type(proven.rung, ProofRung)


def ids_of_different_things_do_not_mix(work: ProofWork, answer: HandleAnswer, location: StorageLocationId) -> None:
    HandleAnswer(handle_id=location)  # rejected: arg-type
    HandleAnswer(handle_id=work.association.object_id)  # rejected: arg-type
    assert_type(answer.handle_id, FileHandleId)
