"""The phases of a migration and their order. They exist here once; everything that runs them reads this table."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from storage_core.model.copies import CopyRequest
from storage_core.model.tallies import Tally
from storage_core.model.works import (
    CellsWork,
    CountedContainers,
    CountsAgree,
    Described,
    FilesChunk,
    FilesSeen,
    FoundEntity,
    LookFailed,
    ProofWork,
    RepointWork,
    SnapshotWork,
    VerifyWork,
    ViewFailed,
)
from storage_core.plan.cells import CELLS_AT_ONCE
from storage_core.plan.viewing import FILES_PER_READ
from storage_core.ports.ledger import Ledger
from storage_core.steps.copying import Choose, Length, claim_copies, copy_handle, pending_copies
from storage_core.steps.describing import describe_file
from storage_core.steps.describing_by_view import describe_chunk
from storage_core.steps.describing_tables import describe_table
from storage_core.steps.driving import Line, Phase
from storage_core.steps.finding_by_view import find_files
from storage_core.steps.phase import by_the_page
from storage_core.steps.proving import prove_chunk
from storage_core.steps.repointing import repoint_entity
from storage_core.steps.repointing_cells import repoint_cells
from storage_core.steps.snapshotting import snapshot_table
from storage_core.steps.verifying import verify_chunk
from storage_core.steps.walking import list_container

CHUNK = 100
"""Handles per read-back call: what one handle batch takes (contract 7.3)."""

FILES_PER_BATCH = 2500
"""2 million files in five phases then make 4,000 task runs, within the 5,000 that an orchestrator keeps well."""

CALLS_ACTIVE = 12
"""Works of one call each that may be under way: enough to fill three connections at any latency."""

_COPIES_ACTIVE = 64
"""Copies under way: most of their time they wait for S3, which costs none of Synapse's budget."""

_LARGE_ACTIVE = 64
_LARGE_PER_BATCH = 500
"""Large files are fewer, each keeps S3 busy for long, and a batch in memory should not hold weeks of work."""

TABLES_ACTIVE = 2
"""Tables read, or written, side by side: each has a page of cells in memory, and pages must not pile up faster than
the index takes them."""

_CHUNKS_ACTIVE = 2
"""Chunks of files looked up in a view side by side: one may wait for the view while others read handles."""


def _claim_cells(ledger: Ledger, after: int, limit: int) -> tuple[CellsWork, ...]:
    return ledger.pending_cells(after=after, limit=limit * CELLS_AT_ONCE)


def _claim_counted(ledger: Ledger, after: int, limit: int) -> list[CountedContainers]:
    """All in one work, since the view is read once for all of them."""
    del limit
    containers = () if after else ledger.pending_counted()
    return [CountedContainers(containers=containers)] if containers else []


def _record_seen(ledger: Ledger, outcomes: Sequence[FilesSeen | CountsAgree | ViewFailed]) -> Tally:
    _note_failures(ledger, outcomes)
    return ledger.record_files_seen([outcome for outcome in outcomes if not isinstance(outcome, ViewFailed)])


def _counted_after(ledger: Ledger, after: int) -> list[FoundEntity]:
    return [one.found for one in ledger.pending_counted() if one.found.seq > after]


def _note_failures(ledger: Ledger, outcomes: Sequence[object]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, ViewFailed):
            ledger.note("view failed", f"{outcome.view_id}: {outcome.detail}")


def _claim_chunks(ledger: Ledger, after: int, limit: int) -> list[FilesChunk]:
    files = ledger.pending_shown_files(after=after, limit=limit * FILES_PER_READ)
    starts = range(0, len(files), FILES_PER_READ)
    return [FilesChunk(files=files[start : start + FILES_PER_READ]) for start in starts]


def _last_entity(chunk: FilesChunk) -> int:
    return int(chunk.files[-1].entity_id[3:])


def _record_shown(ledger: Ledger, outcomes: Sequence[Described | LookFailed | ViewFailed]) -> Tally:
    _note_failures(ledger, outcomes)
    return ledger.record_descriptions([outcome for outcome in outcomes if not isinstance(outcome, ViewFailed)])


WALK: Phase[FoundEntity] = Phase(
    name="enumerate-children",
    doing="Listing containers",
    claim=lambda ledger, after, limit: ledger.pending_containers(after=after, limit=limit),
    number=lambda found: found.seq,
    work=list_container,
    record=lambda ledger, outcomes: ledger.record_listings(outcomes),
    batch_size=500,
    active=CALLS_ACTIVE,
    finds_more=True,
)

FIND_BY_VIEW: Phase[CountedContainers] = Phase(
    name="find-files-by-view",
    doing="Finding files through a view",
    claim=_claim_counted,
    number=lambda work: len(work.containers),
    work=find_files,
    record=_record_seen,
    batch_size=1,
    active=1,
)

LIST_COUNTED: Phase[FoundEntity] = Phase(
    name="enumerate-counted",
    doing="Listing containers with their files",
    claim=lambda ledger, after, limit: _counted_after(ledger, after)[:limit],
    number=lambda found: found.seq,
    work=list_container,
    record=lambda ledger, outcomes: ledger.record_listings(outcomes),
    batch_size=500,
    active=CALLS_ACTIVE,
)

DESCRIBE_BY_VIEW: Phase[FilesChunk] = Phase(
    name="fetch-handles-by-view",
    doing="Reading files through a view",
    claim=_claim_chunks,
    number=_last_entity,
    work=describe_chunk,
    record=_record_shown,
    batch_size=_CHUNKS_ACTIVE,
    active=_CHUNKS_ACTIVE,
)

DESCRIBE: Phase[FoundEntity] = Phase(
    name="fetch-handles",
    doing="Reading files",
    claim=lambda ledger, after, limit: ledger.pending_files(after=after, limit=limit),
    number=lambda found: found.seq,
    work=describe_file,
    record=lambda ledger, outcomes: ledger.record_descriptions(outcomes),
    batch_size=FILES_PER_BATCH,
    active=CALLS_ACTIVE,
)

DESCRIBE_TABLES: Phase[FoundEntity] = Phase(
    name="fetch-cells",
    doing="Reading tables",
    claim=lambda ledger, after, limit: ledger.pending_tables(after=after, limit=limit),
    number=lambda found: found.seq,
    work=describe_table,
    record=lambda ledger, outcomes: ledger.record_tables(outcomes),
    batch_size=50,
    active=TABLES_ACTIVE,
)

COPY: Phase[CopyRequest] = Phase(
    name="copy-files",
    doing="Copying files",
    claim=partial(pending_copies, length=Length.SHORT),
    number=lambda request: request.copy_id,
    work=copy_handle,
    record=lambda ledger, outcomes: ledger.record_copies(outcomes),
    batch_size=FILES_PER_BATCH,
    active=_COPIES_ACTIVE,
    # a copy that proves bad is discarded and made anew, once
    fed_by=("prove-copies",),
)

COPY_LARGE: Phase[CopyRequest] = replace(
    COPY,
    name="copy-large-files",
    doing="Copying large files",
    claim=partial(pending_copies, length=Length.LONG),
    batch_size=_LARGE_PER_BATCH,
    active=_LARGE_ACTIVE,
)
"""Begins together with the small ones, wherever in the tree they are: S3 works on them while others spend calls."""

PROVE: Phase[ProofWork] = Phase(
    name="prove-copies",
    doing="Proving copies",
    claim=lambda ledger, after, limit: ledger.pending_proofs(after=after, limit=limit),
    number=lambda work: work.copied.copy_id,
    work=prove_chunk,
    record=lambda ledger, outcomes: ledger.record_proofs(outcomes),
    batch_size=FILES_PER_BATCH,
    active=CALLS_ACTIVE,
    fed_by=("copy-files", "copy-large-files"),
    together=CHUNK,
)

REPOINT: Phase[RepointWork] = Phase(
    name="repoint-versions",
    doing="Repointing files",
    claim=lambda ledger, after, limit: ledger.pending_repoints(after=after, limit=limit),
    number=lambda work: work.last_item_id,
    work=repoint_entity,
    record=lambda ledger, outcomes: ledger.record_repoints(outcomes),
    batch_size=FILES_PER_BATCH,
    active=CALLS_ACTIVE,
    fed_by=("prove-copies",),
    # the changes of one entity lock the same row (contract 6.6)
    apart=lambda work: work.entity_id,
)

SNAPSHOT_TABLES: Phase[SnapshotWork] = Phase(
    name="snapshot-tables",
    doing="Freezing tables as versions",
    claim=lambda ledger, after, limit: ledger.pending_snapshots(after=after, limit=limit),
    number=lambda work: work.number,
    work=snapshot_table,
    record=lambda ledger, outcomes: ledger.record_snapshots(outcomes),
    batch_size=500,
    active=CALLS_ACTIVE,
)

REPOINT_CELLS: Phase[CellsWork] = Phase(
    name="repoint-cells",
    doing="Repointing table cells",
    claim=_claim_cells,
    number=lambda work: work.last_item_id,
    work=repoint_cells,
    record=by_the_page(lambda ledger, outcomes: ledger.record_repoints(outcomes)),
    batch_size=1,
    active=TABLES_ACTIVE,
)

VERIFY: Phase[VerifyWork] = Phase(
    name="verify",
    doing="Reading back",
    claim=lambda ledger, after, limit: ledger.pending_verifications(after=after, limit=limit),
    number=lambda work: work.item_id,
    work=verify_chunk,
    record=lambda ledger, outcomes: ledger.record_verifications(outcomes),
    batch_size=FILES_PER_BATCH,
    active=CALLS_ACTIVE,
    fed_by=("repoint-versions", "repoint-cells"),
    waits_for_many=True,
    together=CHUNK,
    alike=lambda work: work.association,
)

VERIFY_CELLS: Phase[VerifyWork] = replace(VERIFY, batch_size=CELLS_AT_ONCE)
"""As many at a time as are written at a time: the cells of a column often share few handles, each read back once."""

INDEXING: tuple[Line, ...] = (
    (WALK,),
    (FIND_BY_VIEW,),
    (LIST_COUNTED,),
    (DESCRIBE_BY_VIEW,),
    (DESCRIBE, DESCRIBE_TABLES),
)
"""Changes nothing in Synapse. Those by view only when there is one; the line after each does what it has left."""

MIGRATING: tuple[Line, ...] = (
    (COPY, COPY_LARGE, PROVE, REPOINT, VERIFY),
    (SNAPSHOT_TABLES,),
    (REPOINT_CELLS, VERIFY_CELLS),
)
"""What stands in one line runs at the same time. Every table is frozen before the first cell is written, and cells are
written when all their copies are proven, because a write costs as many calls for one cell as for thousands."""


def migrating(*, table_snapshots: bool, choose: Choose) -> tuple[Line, ...]:
    """The phases of a migration that freezes tables first, or does not; *choose* says who makes each copy."""
    chosen: dict[str, Phase[Any]] = {
        phase.name: replace(phase, claim=partial(claim_copies, length=length, choose=choose))
        for phase, length in ((COPY, Length.SHORT), (COPY_LARGE, Length.LONG))
    }
    lines = (tuple(chosen.get(phase.name, phase) for phase in line) for line in MIGRATING)
    return tuple(line for line in lines if table_snapshots or SNAPSHOT_TABLES not in line)
