"""Verifying deeply: every migrated place is read itself, and objects are read to their end."""

from functools import partial

from storage_core.model.checks import (
    BytesCheck,
    ByteScope,
    CellsCheck,
    CheckReport,
    ChecksAhead,
    PlaceCheck,
)
from storage_core.plan.cells import CELLS_AT_ONCE
from storage_core.plan.outcomes import FailureLimit
from storage_core.ports.ledger import Ledger
from storage_core.steps.checking import check_bytes, check_cells, check_file
from storage_core.steps.driving import Line, Phase
from storage_core.steps.phase import by_the_page
from storage_core.steps.phases import CALLS_ACTIVE, FILES_PER_BATCH, TABLES_ACTIVE
from storage_core.steps.surroundings import Surroundings

_READS_ACTIVE = 4
"""Objects hashed side by side: bound by the line, not by us."""


def _claim_bytes(ledger: Ledger, after: int, limit: int, *, scope: ByteScope) -> tuple[BytesCheck, ...]:
    return ledger.pending_byte_checks(scope, after=after, limit=limit)


def lines(scope: ByteScope) -> tuple[Line, ...]:
    """The phases of a deep verification; reading objects costs bytes and hardly a call, so it runs beside the rest."""
    files: Phase[PlaceCheck] = Phase(
        name="check-files",
        doing="Reading file versions again",
        claim=lambda ledger, after, limit: ledger.pending_place_checks(after=after, limit=limit),
        number=lambda check: check.item_id,
        work=check_file,
        record=lambda ledger, outcomes: ledger.record_place_checks(outcomes),
        batch_size=FILES_PER_BATCH,
        active=CALLS_ACTIVE,
    )
    cells: Phase[CellsCheck] = Phase(
        name="check-cells",
        doing="Reading table cells again",
        claim=lambda ledger, after, limit: ledger.pending_cell_checks(after=after, limit=limit * CELLS_AT_ONCE),
        number=lambda work: work.last_item_id,
        work=check_cells,
        record=by_the_page(lambda ledger, outcomes: ledger.record_place_checks(outcomes)),
        batch_size=1,
        active=TABLES_ACTIVE,
    )
    objects: Phase[BytesCheck] = Phase(
        name="check-objects",
        doing="Reading objects to their end",
        claim=partial(_claim_bytes, scope=scope),
        number=lambda check: check.copy_id,
        work=check_bytes,
        record=lambda ledger, outcomes: ledger.record_byte_checks(outcomes),
        batch_size=FILES_PER_BATCH,
        active=_READS_ACTIVE,
    )
    return ((files, cells, objects),)


class DeepCheck:
    """Plan and carry out a deep verification; one that was broken off goes on where it was.

    Not thread-safe: it lives on the thread that opened the index.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._ledger = around.ledger
        # every finding is a result here, and none a reason to stop looking
        self._watch = around.limited(FailureLimit(continue_on_error=True))

    def plan(self, scope: ByteScope) -> ChecksAhead:
        """What there is to look at; begins the verification, or goes on with one. One call.

        Raises:
            AccessError: nobody is signed in.
        """
        self._around.network.run(self._around.services.catalog.me())
        self._ledger.begin_checks()
        return self._ledger.checks_ahead(scope)

    def run(self, scope: ByteScope) -> CheckReport:
        """Look at everything that *plan* has counted; all findings are in the index afterwards."""
        for line in lines(scope):
            self._around.drive(line, self._watch)
        report = self._ledger.end_checks()
        self._ledger.publish()
        return report
