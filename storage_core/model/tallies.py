"""Counts that travel instead of rows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one or many batches came to; tallies add up."""

    done: int = 0
    failed: int = 0
    drifted: int = 0
    skipped: int = 0
    size_bytes: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            done=self.done + other.done,
            failed=self.failed + other.failed,
            drifted=self.drifted + other.drifted,
            skipped=self.skipped + other.skipped,
            size_bytes=self.size_bytes + other.size_bytes,
        )

    @property
    def count(self) -> int:
        """Everything that was looked at."""
        return self.done + self.failed + self.drifted + self.skipped
