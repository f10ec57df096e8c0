"""What is sent for a place, and what refusals mean."""

from storage_core.model.entities import EntityBody, EntityKind, FileSnapshot
from storage_core.model.ids import EntityId, FileHandleId
from storage_core.model.items import ReasonCode
from storage_core.model.places import FileVersion, NewVersion
from storage_core.model.repoints import AddVersion, Drifted, Repointed, RepointFailed, SwapVersionHandle
from storage_core.plan.repointing import explain_refused_swap, explain_refused_version

OLD, NEW, OTHER = FileHandleId("1"), FileHandleId("2"), FileHandleId("3")
SWAP = SwapVersionHandle(item_id=7, place=FileVersion(entity_id=EntityId("syn5"), version=2), expect=OLD, new=NEW)
ADD = AddVersion(
    item_id=8,
    place=NewVersion(entity_id=EntityId("syn5"), current_version=2),
    expect=OLD,
    new=NEW,
    etag="before",
    body=EntityBody(json_text="{}"),
    activity_id=None,
)


def entity(handle: FileHandleId, *, etag: str = "after", version: int = 3) -> FileSnapshot:
    return FileSnapshot(
        entity_id=EntityId("syn5"),
        name="a",
        parent_id=None,
        kind=EntityKind.FILE,
        version=version,
        is_latest=True,
        etag=etag,
        handle_id=handle,
        handle=None,
        body=EntityBody(json_text="{}"),
    )


def test_a_refused_swap_that_had_worked_is_done():
    assert Repointed(item_id=7, found_done=True) == explain_refused_swap(SWAP, NEW)


def test_a_refused_swap_over_a_strangers_handle_is_drift():
    outcome = explain_refused_swap(SWAP, OTHER)
    assert isinstance(outcome, Drifted)
    assert ReasonCode.HANDLE_CHANGED == outcome.reason


def test_a_refused_swap_of_an_unchanged_version_is_a_failure_never_a_success():
    assert isinstance(explain_refused_swap(SWAP, OLD), RepointFailed)


def test_a_refused_version_that_had_been_added_is_done_and_knows_its_number():
    assert Repointed(item_id=8, new_version=3, found_done=True) == explain_refused_version(ADD, entity(NEW))


def test_a_new_file_content_is_drift():
    outcome = explain_refused_version(ADD, entity(OTHER))
    assert (Drifted, ReasonCode.HANDLE_CHANGED) == (type(outcome), outcome.reason)


def test_a_changed_entity_is_drift_although_its_content_is_the_same():
    outcome = explain_refused_version(ADD, entity(OLD, version=2))
    assert (Drifted, ReasonCode.ENTITY_CHANGED) == (type(outcome), outcome.reason)
