"""What whoever drives phases works with: the index, the services, where batches run, and who watches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from storage_core.model.tallies import Tally
from storage_core.plan.outcomes import FailureLimit
from storage_core.ports.ledger import Ledger
from storage_core.steps.driving import Launcher, Line, Phase, Watch, drive
from storage_core.steps.limiting import LimitedWatch
from storage_core.steps.services import Network, Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """One open index with everything that phases need.

    Attributes:
        launcher: runs the works of batches, on the network's loop or as tasks.
        decisions: what was decided about the run's speed since it was asked last.
    """

    ledger: Ledger
    services: Services
    network: Network
    launcher: Launcher
    watch: Watch
    decisions: Callable[[], Sequence[str]] = tuple

    def limited(self, limit: FailureLimit) -> LimitedWatch:
        """A watch for one run, which stops it at *limit*."""
        return LimitedWatch(self.watch, limit, self.ledger, self.decisions)

    def drive(self, line: Phase[Any] | Line, watch: LimitedWatch) -> Tally:
        """See `driving.drive`."""
        return drive(line, self.ledger, self.services, self.launcher, watch)
