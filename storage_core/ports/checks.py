"""The seam between a deep verification and the index; part of `ports.ledger.Ledger`."""

from collections.abc import Sequence
from typing import Protocol

from storage_core.model.checks import (
    BytesCheck,
    ByteScope,
    BytesOutcome,
    CellsCheck,
    CheckReport,
    ChecksAhead,
    PlaceCheck,
    PlaceOutcome,
)
from storage_core.model.tallies import Tally


class CheckLedger(Protocol):
    """The index while what was migrated is read again. What was looked at is noted, so that a kill loses little."""

    def begin_checks(self) -> bool:
        """Begin a verification, or go on with one that was broken off less than a day ago; whether it goes on."""
        ...

    def checks_ahead(self, scope: ByteScope) -> ChecksAhead:
        """What is still to be looked at."""
        ...

    def pending_place_checks(self, *, after: int, limit: int) -> tuple[PlaceCheck, ...]:
        """File versions that were migrated, or that earlier looks found changed, and that were not looked at yet."""
        ...

    def pending_cell_checks(self, *, after: int, limit: int) -> tuple[CellsCheck, ...]:
        """The same for cells, by table: at most `limit` cells in all."""
        ...

    def record_place_checks(self, outcomes: Sequence[PlaceOutcome]) -> Tally:
        """Places that somebody changed become DRIFTED, damaged ones ERRORED, those that are right again MIGRATED."""
        ...

    def pending_byte_checks(self, scope: ByteScope, *, after: int, limit: int) -> tuple[BytesCheck, ...]:
        """Proven copies in use that are to be read, and those that were found damaged before."""
        ...

    def record_byte_checks(self, outcomes: Sequence[BytesOutcome]) -> Tally:
        """A copy that was read is proven by that, at least; the places of a damaged one become ERRORED.

        They stay so until a later reading finds it whole.
        """
        ...

    def end_checks(self) -> CheckReport:
        """Note that everything was looked at; what it came to."""
        ...
