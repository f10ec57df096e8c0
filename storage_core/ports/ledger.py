"""The index as the phases see it: what is pending, and what came of it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from storage_core.model.copies import Copied, CopyFailed, CopyRequest, EtagMeaning, ProvenCopy, SourceWithdrawn
from storage_core.model.engines import ANY_SIZE, CopyChoice, CopySource, SizeRange
from storage_core.model.entities import EntityHeader
from storage_core.model.ids import StorageLocationId
from storage_core.model.items import ReasonClass
from storage_core.model.plans import StatusCount, WorkAhead
from storage_core.model.repoints import RepointOutcome
from storage_core.model.settings import MigrationSettings
from storage_core.model.tallies import Tally
from storage_core.model.works import (
    CellsWork,
    CopyDiscarded,
    CountedContainer,
    CountsAgree,
    Described,
    EtagLearnt,
    FilesSeen,
    FoundEntity,
    Listed,
    LookFailed,
    ProofWork,
    RepointWork,
    SnapshotFailed,
    SnapshotTaken,
    SnapshotWork,
    TableOutcome,
    Verified,
    VerifyFailed,
    VerifyWork,
)
from storage_core.ports.canaries import CanaryLedger
from storage_core.ports.checks import CheckLedger
from storage_core.ports.protection import ProtectionLedger
from storage_core.ports.returns import ReturnLedger


class WalkLedger(Protocol):
    """The index while the tree is walked and every entity in it is looked into.

    All `pending_*` methods of the ledger return work with a number above `after`, lowest first, at most `limit`;
    they change nothing: the process that holds the index is the only claimant. All `record_*` methods are one
    transaction each: after they return, the outcome survives a kill.
    """

    def add_roots(self, roots: Sequence[EntityHeader]) -> None:
        """Note where the walk starts. Roots that are already noted are left alone."""
        ...

    def pending_containers(self, *, after: int, limit: int) -> tuple[FoundEntity, ...]:
        """Containers not listed yet."""
        ...

    def record_listings(self, outcomes: Sequence[Listed | LookFailed]) -> Tally:
        """Note children (each entity once, however often it is met) and close their containers.

        Children that the settings leave alone become SKIPPED items at once, with their reason.
        """
        ...

    def pending_files(self, *, after: int, limit: int) -> tuple[FoundEntity, ...]:
        """Files (and record sets) not looked into yet."""
        ...

    def count_pending_files(self) -> int:
        """Files not looked into yet that a view may show, whether they were listed or only counted."""
        ...

    def pending_counted(self) -> tuple[CountedContainer, ...]:
        """Containers whose files were counted and not seen yet."""
        ...

    def record_files_seen(self, outcomes: Sequence[FilesSeen | CountsAgree]) -> Tally:
        """Note files as a listing would; containers whose counts agree are finished."""
        ...

    def pending_shown_files(self, *, after: int, limit: int) -> tuple[FoundEntity, ...]:
        """Files not looked into yet that a view may show (no record sets), by entity; *after* is an entity's digits."""
        ...

    def record_descriptions(self, outcomes: Sequence[Described | LookFailed]) -> Tally:
        """Store the items of each entity, replacing what an earlier, failed look left behind."""
        ...

    def pending_tables(self, *, after: int, limit: int) -> tuple[FoundEntity, ...]:
        """Tables not looked into yet."""
        ...

    def record_tables(self, outcomes: Sequence[TableOutcome]) -> Tally:
        """Store cells page by page; a table's first page, or its failure, removes what was left of earlier looks."""
        ...

    def reopen_unknown_provenance(self) -> int:
        """Have files read again whose provenance was not looked for and that still wait; return how many."""
        ...

    def finish_indexing(self) -> None:
        """Make one PENDING copy per distinct source handle of the INDEXED items. Safe to repeat."""
        ...


class CopyLedger(Protocol):
    """The index while handles are copied and proven."""

    def pending_copies(self, *, after: int, limit: int, sizes: SizeRange = ANY_SIZE) -> tuple[CopyRequest, ...]:
        """Copies to be made, each with one association through which the source may be read."""
        ...

    def record_choices(self, choices: Sequence[CopyChoice]) -> None:
        """Note who makes these copies, before anything is begun. Copies that somebody has begun keep theirs."""
        ...

    def record_copies(self, outcomes: Sequence[Copied | CopyFailed | SourceWithdrawn]) -> Tally:
        """Note new handles (before any place is touched), failures and withdrawals; either settles its items."""
        ...

    def pending_proofs(self, *, after: int, limit: int) -> tuple[ProofWork, ...]:
        """Copies that were made and not judged yet."""
        ...

    def record_proofs(self, outcomes: Sequence[ProvenCopy | CopyFailed | CopyDiscarded | EtagLearnt]) -> Tally:
        """Note verdicts. A discarded copy is PENDING again, with `discard_previous`."""
        ...

    def etag_meaning(self, location_id: StorageLocationId) -> EtagMeaning:
        """What is known about the ETags of a storage location."""
        ...


class RepointLedger(Protocol):
    """The index while places are changed and read back."""

    def pending_repoints(self, *, after: int, limit: int) -> tuple[RepointWork, ...]:
        """Files with INDEXED places whose copies are PROVEN; about `limit` places, files never split."""
        ...

    def pending_snapshots(self, *, after: int, limit: int) -> tuple[SnapshotWork, ...]:
        """Tables with INDEXED cells whose copies are PROVEN, and that this migration has not frozen yet."""
        ...

    def record_snapshots(self, outcomes: Sequence[SnapshotTaken | SnapshotFailed]) -> Tally:
        """Note the frozen versions; a table that could not be frozen has its cells ERRORED."""
        ...

    def pending_cells(self, *, after: int, limit: int) -> tuple[CellsWork, ...]:
        """INDEXED cells whose copies are PROVEN, by table: at most `limit` cells in all."""
        ...

    def record_repoints(self, outcomes: Sequence[RepointOutcome]) -> Tally:
        """Note what became of each place. A repointed one stays INDEXED until it was read back."""
        ...

    def pending_verifications(self, *, after: int, limit: int) -> tuple[VerifyWork, ...]:
        """Repointed places that were not read back yet."""
        ...

    def record_verifications(self, outcomes: Sequence[Verified | VerifyFailed]) -> Tally:
        """Items that were read back become MIGRATED; others ERRORED."""
        ...


class PlanLedger(Protocol):
    """The index as a plan and a report see it."""

    @property
    def settings(self) -> MigrationSettings:
        """The settings the index is bound to."""
        ...

    def is_indexed(self) -> bool:
        """Whether the walk is complete: nothing pending, nothing failed, copies made."""
        ...

    def counts(self) -> tuple[StatusCount, ...]:
        """Items by status and reason."""
        ...

    def ahead(self) -> WorkAhead:
        """What is still to be done."""
        ...

    def unknown_provenance(self) -> int:
        """Files that wait for a new version and whose provenance was not looked for."""
        ...

    def copy_sources(self) -> tuple[CopySource, ...]:
        """The copies that are still to be made, by where they are read and who has begun them."""
        ...

    def confirm(self, plan_hash: str, *, by: str) -> None:
        """Note that somebody agreed to this plan (an event, with the time)."""
        ...

    def confirmed_plan(self) -> str | None:
        """The hash of the plan agreed to last."""
        ...

    def note(self, event: str, detail: str) -> None:
        """Append to the journal: what happened, when, by whom; never a secret."""
        ...

    def remember(self, key: str, value: str) -> None:
        """Keep a small fact about this migration (for example a location's bucket) under a name."""
        ...

    def recall(self, key: str) -> str | None:
        """A fact kept earlier, or None."""
        ...

    def retry(self, classes: frozenset[ReasonClass]) -> int:
        """Have what failed for a reason of these classes tried again; return how many items and entities.

        ERRORED items are INDEXED again, and their FAILED copies PENDING; an item that was changed already is
        only read back again. Entities that could not be looked into are pending again. Drift is not a failure.
        """
        ...

    def reopen_for_reindex(self) -> int:
        """Make ready for looking at the tree again, and only at what may have changed; return how many entities.

        Containers and tables are looked into again. A file is read again only when the listing shows another
        version than was indexed (unless we added that version), or when an item of it DRIFTED or ERRORED. So a
        handle that somebody changed in place, without a new version, is not noticed before it is repointed;
        and what left the tree keeps its items. What was migrated or rolled back keeps its status and history, unless
        the new look shows that somebody has changed that place since: then its item is replaced, which the journal
        tells, because each place is told of once.
        """
        ...

    def together(self) -> AbstractContextManager[None]:
        """Make one commit of everything that is recorded inside: all of it lasts, or nothing."""
        ...

    def publish(self, *, force: bool = False) -> None:
        """Refresh the read snapshot beside the index, for other processes: not too often, unless *force*."""
        ...


class Ledger(
    WalkLedger,
    CopyLedger,
    RepointLedger,
    ReturnLedger,
    CheckLedger,
    ProtectionLedger,
    CanaryLedger,
    PlanLedger,
    Protocol,
):
    """The whole index."""
