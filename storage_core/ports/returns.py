"""The seam between a roll-back and the index; part of `ports.ledger.Ledger`."""

from collections.abc import Sequence
from typing import Protocol

from storage_core.model.ids import PrincipalId
from storage_core.model.repoints import RepointOutcome
from storage_core.model.returns import HandleOutcome, OldHandle, ReturnsAhead
from storage_core.model.tallies import Tally
from storage_core.model.works import CellsWork, RepointWork, Verified, VerifyFailed, VerifyWork


class ReturnLedger(Protocol):
    """The index while a migration is rolled back. A place counts as long as it refers to its proven copy."""

    def returns_ahead(self, user: PrincipalId | None) -> ReturnsAhead:
        """What is still to be done; *user* tells own handles from those of others."""
        ...

    def pending_old_handles(self, *, after: int, limit: int) -> tuple[OldHandle, ...]:
        """Sources of proven copies that places are to refer to again, and of which that is not prepared yet."""
        ...

    def record_old_handles(self, outcomes: Sequence[HandleOutcome]) -> Tally:
        """Note what to refer to, before any place is touched; of a refused handle the places become ERRORED."""
        ...

    def pending_returns(self, *, after: int, limit: int) -> tuple[RepointWork, ...]:
        """Files whose handles are prepared; about `limit` places, files never split."""
        ...

    def pending_cell_returns(self, *, after: int, limit: int) -> tuple[CellsWork, ...]:
        """The same for cells, by table: at most `limit` cells in all."""
        ...

    def record_returns(self, outcomes: Sequence[RepointOutcome]) -> Tally:
        """Places that were changed back become ROLLED_BACK, still to be read back; others DRIFTED or ERRORED."""
        ...

    def pending_return_checks(self, *, after: int, limit: int) -> tuple[VerifyWork, ...]:
        """Places that were changed back and not read back yet."""
        ...

    def record_return_checks(self, outcomes: Sequence[Verified | VerifyFailed]) -> Tally:
        """Note what was read back as it should; others become ERRORED."""
        ...
