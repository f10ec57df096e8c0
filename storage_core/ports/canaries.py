"""The index while a few items go first."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from storage_core.model.canaries import CanaryCandidate, CanaryResult


class CanaryLedger(Protocol):
    """Which items are the canary, and what became of them."""

    def canary(self) -> CanaryResult:
        """The canary as it stands; without items when none was chosen. Items that were indexed again left it."""
        ...

    def canary_candidates(self, *, at_most: int) -> tuple[CanaryCandidate, ...]:
        """Copies of which places wait and none is in the canary: of those that are alike at most so many.

        Copies that fewer places wait for come first, then they come in an order that has nothing to do with folders
        and is the same each time.
        """
        ...

    def add_to_canary(self, copies: Sequence[int]) -> None:
        """Note that these copies, with all the places that wait for them, go first."""
        ...

    def only_canary(self) -> AbstractContextManager[None]:
        """While this is open, no method offers work that is not the canary's."""
        ...

    def note_canary_run(self, *, seconds: float, calls: int) -> None:
        """Add what a run of the canary took."""
        ...

    def agree_to_go_on(self, by: str) -> None:
        """Note that the canary was looked at, and the others may follow."""
        ...
