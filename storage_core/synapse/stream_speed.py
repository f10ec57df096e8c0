"""How fast S3 copies one part, as seen so far."""

from typing import Final

_UNMEASURED: Final = 100e6
"""Bytes a second of one copy, until one was measured: what a part takes between buckets of one region."""

_NEWEST_COUNTS: Final = 0.1


class StreamSpeed:
    """A moving average over parts that took long enough to say something.

    The last part of an object is shorter than it is told to be, so the average is a little high; it only decides into
    how many parts the next object is cut.

    Attributes:
        bytes_per_second: of one part; may be read from any thread.
    """

    def __init__(self) -> None:
        self.bytes_per_second = _UNMEASURED
        self._is_measured = False

    def learn(self, part_bytes: int, seconds: float) -> None:
        """Count one part that S3 has copied."""
        seen = part_bytes / max(seconds, 0.001)
        weight = _NEWEST_COUNTS if self._is_measured else 1.0
        self.bytes_per_second += (seen - self.bytes_per_second) * weight
        self._is_measured = True
