"""What every ledger owes, whatever happens in whatever order: hypothesis drives the port, a plain model predicts.

The rules are the port's docstrings. The machine knows only `ports.ledger.Ledger`; what it opens is the DuckDB index.
"""

import shutil
import tempfile
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from storage_core.index.opening import open_index
from storage_core.index.store import Index
from storage_core.model.copies import CopyFailed
from storage_core.model.entities import EntityKind
from storage_core.model.items import ReasonClass, ReasonCode
from storage_core.model.repoints import Drifted, Repointed, RepointFailed
from storage_core.model.works import CopyDiscarded, Described, Listed, Verified, VerifyFailed
from storage_core.ports.ledger import Ledger
from tests.unit.index.builders import (
    ROOT,
    SETTINGS,
    handle,
    header,
    look_failed,
    made,
    proven,
    statuses,
    version_item,
)

LIMITS = st.sampled_from([1, 2, 3, 100])
FATES = st.lists(st.sampled_from(["good", "bad", "odd"]), min_size=1, max_size=5)
EVERY_CLASS = frozenset(ReasonClass)


class LedgerMachine(RuleBasedStateMachine):
    """Files with one to three versions, handles shared at random, outcomes good and bad, kills in between."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "project.duckdb"
        self.index: Index = open_index(self.path, SETTINGS, create=True)
        self.files: dict[str, list[int]] = {}
        self.copies_made: dict[str, int] = {}
        self.changed: dict[int, int] = {}
        self.described: set[str] = set()
        self.next_handle = 1000

    @property
    def ledger(self) -> Ledger:
        return self.index

    @initialize(handles=st.lists(st.lists(st.integers(10, 14), min_size=1, max_size=3), min_size=1, max_size=6))
    def list_the_tree(self, handles: list[list[int]]) -> None:
        self.ledger.add_roots([header(1, EntityKind.PROJECT)])
        (root,) = self.ledger.pending_containers(after=0, limit=5)
        children = tuple(header(number) for number in range(2, 2 + len(handles)))
        self.ledger.record_listings([Listed(seq=root.seq, container_id=ROOT, children=children)])
        self.files = {child.id: of for child, of in zip(children, handles, strict=True)}

    @rule(limit=LIMITS, fates=FATES)
    def describe(self, limit: int, fates: list[str]) -> None:
        outcomes = []
        for number, found in enumerate(self.ledger.pending_files(after=0, limit=limit)):
            if fates[number % len(fates)] == "bad":
                outcomes.append(look_failed(found, ReasonCode.SERVICE_FAULT))
                continue
            of = self.files[found.entity_id]
            entity = int(found.entity_id[3:])
            items = tuple(version_item(entity, n, handle(of_one)) for n, of_one in enumerate(of, start=1))
            outcomes.append(Described(seq=found.seq, entity_id=found.entity_id, items=items))
            self.described.add(found.entity_id)
        self.ledger.record_descriptions(outcomes)

    @rule()
    def finish_indexing(self) -> None:
        self.ledger.finish_indexing()

    @rule(limit=LIMITS, fates=FATES)
    def copy(self, limit: int, fates: list[str]) -> None:
        outcomes = []
        for number, request in enumerate(self.ledger.pending_copies(after=0, limit=limit)):
            if fates[number % len(fates)] == "bad":
                failed = CopyFailed(
                    copy_id=request.copy_id, source=request.source.id, reason=ReasonCode.S3_FAULT, detail=""
                )
                outcomes.append(failed)
                continue
            self.next_handle += 1
            outcomes.append(made(request, self.next_handle))
        self.ledger.record_copies(outcomes)

    @rule(limit=LIMITS, fates=FATES)
    def prove(self, limit: int, fates: list[str]) -> None:
        outcomes = []
        for number, work in enumerate(self.ledger.pending_proofs(after=0, limit=limit)):
            copy_id, source = work.copied.copy_id, work.copied.source
            fate = fates[number % len(fates)]
            if fate == "bad":
                bad = ReasonCode.BYTES_DIFFER
                outcomes.append(CopyFailed(copy_id=copy_id, source=source, reason=bad, detail=""))
            elif fate == "odd":
                outcomes.append(CopyDiscarded(copy_id=copy_id, source=source, detail=""))
            else:
                assert source not in self.copies_made, "a handle that has a proven copy was copied again"
                self.copies_made[source] = int(work.copied.new)
                outcomes.append(proven(work.copied))
        self.ledger.record_proofs(outcomes)

    @rule(limit=LIMITS, fates=FATES)
    def repoint(self, limit: int, fates: list[str]) -> None:
        outcomes = []
        works = self.ledger.pending_repoints(after=0, limit=limit)
        assert len(works) == len({work.entity_id for work in works}), "an entity was split"
        for number, work in enumerate(works):
            versions = [change.place.version for change in work.changes]
            assert sorted(versions) == versions, "not lowest version first"
            for change in work.changes:
                assert self.copies_made[change.expect] == int(change.new), "an unproven handle would be attached"
                fate = fates[number % len(fates)]
                if fate == "bad":
                    fault = ReasonCode.SERVICE_FAULT
                    outcomes.append(RepointFailed(item_id=change.item_id, reason=fault, detail=""))
                elif fate == "odd":
                    drift = ReasonCode.HANDLE_CHANGED
                    outcomes.append(Drifted(item_id=change.item_id, reason=drift, detail=""))
                else:
                    assert change.item_id not in self.changed, "a place was changed twice"
                    self.changed[change.item_id] = int(change.new)
                    outcomes.append(Repointed(item_id=change.item_id))
        self.ledger.record_repoints(outcomes)

    @rule(limit=LIMITS, fates=FATES)
    def verify(self, limit: int, fates: list[str]) -> None:
        outcomes = []
        for number, work in enumerate(self.ledger.pending_verifications(after=0, limit=limit)):
            assert self.changed[work.item_id] == int(work.association.handle_id), "another handle is verified"
            if fates[number % len(fates)] == "bad":
                outcomes.append(VerifyFailed(item_id=work.item_id, reason=ReasonCode.SERVICE_FAULT, detail=""))
            else:
                outcomes.append(Verified(item_id=work.item_id))
        self.ledger.record_verifications(outcomes)

    @rule()
    def retry(self) -> None:
        self.ledger.retry(EVERY_CLASS)

    @precondition(lambda self: self.ledger.is_indexed())
    @rule()
    def complete_means_complete(self) -> None:
        assert set(self.files) == self.described
        assert () == self.ledger.pending_files(after=0, limit=1)

    @rule()
    def open_again(self) -> None:
        before = (self.ledger.counts(), self.ledger.ahead(), self.ledger.is_indexed())
        self.index.close()
        self.index = open_index(self.path, SETTINGS, create=False)
        assert before == (self.ledger.counts(), self.ledger.ahead(), self.ledger.is_indexed())

    @invariant()
    def every_place_is_there_exactly_once(self) -> None:
        places = self.index._database.rows("select entity_id, version from items_v1 where version is not null")
        expected = [(entity, n) for entity in self.described for n in range(1, len(self.files[entity]) + 1)]
        assert sorted(expected) == sorted(places)

    @invariant()
    def no_handle_has_two_copies(self) -> None:
        ((copies, handles),) = self.index._database.rows(
            "select count(*), count(distinct from_file_handle_id) from copies_v1"
        )
        assert copies == handles

    @invariant()
    def what_was_migrated_was_changed_and_read_back(self) -> None:
        assert statuses(self.index).get("MIGRATED", 0) <= len(self.changed)

    def teardown(self) -> None:
        self.index.close()
        shutil.rmtree(self.folder)


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
