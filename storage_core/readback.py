"""Reading back everything that an index says was migrated: the whole of it, over a connection of its own."""

from dataclasses import dataclass
from pathlib import Path

from storage_core.config import Config
from storage_core.errors import ExitCode
from storage_core.index.reading import open_for_reading
from storage_core.model.items import ReasonCode
from storage_core.model.works import Verified, VerifyFailed, VerifyWork
from storage_core.steps.auditing import audit, migrated_works
from storage_core.wiring.migration import connected


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An item that was not read back as the index says."""

    work: VerifyWork
    failed: VerifyFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """What reading back came to.

    Attributes:
        looked_at: items that the index has as migrated; all of them were asked for.
    """

    looked_at: int
    differences: tuple[Difference, ...]

    @property
    def confirmed(self) -> int:
        """Items that were read back as migrated."""
        return self.looked_at - len(self.differences)

    @property
    def exit_code(self) -> ExitCode:
        """MISMATCH when something differs, SOME_FAILED when something could only not be read."""
        if not self.differences:
            return ExitCode.DONE
        differs = any(one.failed.reason is ReasonCode.READ_BACK_DIFFERS for one in self.differences)
        return ExitCode.MISMATCH if differs else ExitCode.SOME_FAILED


def read_back(config: Config, index: Path) -> ReadBack:
    """Compare every migrated item with what Synapse says now: one call per hundred. Changes nothing.

    The index is read here, the network asked elsewhere; the index may be one that another process works on.

    Raises:
        UsageError, IndexUnusable, IndexInUse: see `index.reading.open_for_reading`.
    """
    looked_at, differences = 0, []
    with open_for_reading(index) as reader, connected(config) as remote:
        for works in migrated_works(reader):
            outcomes: tuple[Verified | VerifyFailed, ...] = remote.network.run(audit(works, remote.catalog))
            looked_at += len(works)
            differences += [
                Difference(work=work, failed=outcome)
                for work, outcome in zip(works, outcomes, strict=True)
                if isinstance(outcome, VerifyFailed)
            ]
    return ReadBack(looked_at=looked_at, differences=tuple(differences))
