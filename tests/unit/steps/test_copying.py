"""A source that may not be read: a right is missing, or the place has another handle by now."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest

from storage_core.model.copies import Copied, CopyEvidence, CopyFailed, CopyRequest, EngineName, SourceWithdrawn
from storage_core.model.entities import FileSnapshot
from storage_core.model.handles import Association, AssociationKind
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.items import ReasonCode
from storage_core.steps.copying import copy_handle
from storage_core.testing.fake_catalog import EVERY_RIGHT, FakeCatalog

FILE = EntityId("syn8")


class Shown(FakeCatalog):
    """One file with two versions; whoever asks is told of these permissions."""

    def __init__(self, *, can_download: bool = True) -> None:
        super().__init__()
        for number in ("1", "2", "3"):
            self.add_handle(number)
        self.add_file(FILE, "syn1", ["1", "2"])
        self.permissions = replace(EVERY_RIGHT, can_download=can_download)

    async def file(self, entity_id: EntityId, *, version: int | None = None) -> FileSnapshot:
        return replace(await super().file(entity_id, version=version), permissions=self.permissions)


class Engine:
    """Refuses as often as told, then copies."""

    def __init__(self, refusals: int, reason: ReasonCode = ReasonCode.NO_DOWNLOAD_ACCESS) -> None:
        self.refusals = refusals
        self.reason = reason

    async def copy(self, request: CopyRequest) -> Copied | CopyFailed:
        self.refusals -= 1
        if self.refusals >= 0:
            return CopyFailed(copy_id=request.copy_id, source=request.source.id, reason=self.reason, detail="no")
        evidence = CopyEvidence(part_count=1, part_size_bytes=10)
        made = FileHandleId("90")
        return Copied(
            copy_id=request.copy_id, source=request.source.id, new=made, engine=EngineName.SYNAPSE, evidence=evidence
        )


def came_to(
    catalog: FakeCatalog, engine: Engine, *, source: str, kind: AssociationKind = AssociationKind.FILE
) -> Copied | CopyFailed | SourceWithdrawn:
    handle = catalog.handle_records[FileHandleId(source)]
    request = CopyRequest(
        copy_id=7,
        source=handle,
        association=Association(handle_id=handle.id, object_id=FILE, kind=kind),
        destination=StorageLocationId(77),
    )
    outcomes: list[Copied | CopyFailed | SourceWithdrawn] = []
    asyncio.run(copy_handle(request, SimpleNamespace(catalog=catalog, engine=engine), outcomes.append))
    (outcome,) = outcomes
    return outcome


def test_another_handle_in_the_place_is_no_missing_right() -> None:
    outcome = came_to(Shown(), Engine(2), source="3")

    assert isinstance(outcome, SourceWithdrawn)
    assert (FILE, ReasonCode.HANDLE_CHANGED) == (outcome.entity, outcome.reason)
    assert "found 2 in version 2" in outcome.detail


def test_a_deleted_file_is_gone() -> None:
    catalog = Shown()
    del catalog.files[FILE]

    outcome = came_to(catalog, Engine(2), source="1")

    assert isinstance(outcome, SourceWithdrawn)
    assert ReasonCode.GONE == outcome.reason


def test_what_an_older_version_still_refers_to_was_not_exchanged() -> None:
    """Refused twice although the file gives the right: it is the copying that is refused, and may be tried again."""
    outcome = came_to(Shown(), Engine(2), source="1")

    assert isinstance(outcome, CopyFailed)
    assert ReasonCode.NO_DOWNLOAD_ACCESS == outcome.reason


def test_a_right_that_came_back_meanwhile_lets_it_be_copied() -> None:
    """An older version still has the handle: what the current one has says nothing of it."""
    assert isinstance(came_to(Shown(), Engine(1), source="1"), Copied)


@pytest.mark.parametrize(
    ("catalog", "source"),
    [(Shown(can_download=False), "3"), (Shown(), "2")],
    ids=["no download", "the handle is still there"],
)
def test_a_missing_right_stays_one(catalog: Shown, source: str) -> None:
    outcome = came_to(catalog, Engine(2), source=source)

    assert isinstance(outcome, CopyFailed)
    assert ReasonCode.NO_DOWNLOAD_ACCESS == outcome.reason


def test_who_may_not_look_at_it_lacks_a_right() -> None:
    catalog = Shown()
    catalog.hidden.add(FILE)

    assert isinstance(came_to(catalog, Engine(2), source="3"), CopyFailed)


@pytest.mark.parametrize("engine", [Engine(1, ReasonCode.SERVICE_FAULT), Engine(0)], ids=["another failure", "copied"])
def test_nothing_else_costs_a_look(engine: Engine) -> None:
    catalog = Shown()

    came_to(catalog, engine, source="3")
    came_to(catalog, Engine(1), source="3", kind=AssociationKind.TABLE)

    assert "file" not in catalog.calls
