"""The start times of the latest calls of this machine, in a file that all processes map into memory.

A ring of the machine-wide monotonic clock. `try_start` looks at the start that lies *limit* calls back: when it is
older than the window, one more start keeps every trailing window within the limit. Processes may ask with different
limits; each is then right by its own. Written under a lock that dies with its holder; a process killed while writing
leaves at worst one start unrecorded that it never made.

`counts_from` moves a start back, so times are in order only nearly. That breaks no promise: each call is compared with
the one *limit* before it, and of more than *limit* calls in one window two would be a multiple of *limit* apart.

Times that lie more than a window ahead (the machine was restarted, its clock began anew) and files of another shape are
forgotten.
"""

import mmap
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from storage_core.synapse.filelock import try_lock, unlock

CAPACITY = 65_536
_MAGIC = b"SYNSTRT1"
_HEADER = struct.Struct("<8sQ")
_TIME = struct.Struct("<Q")
_SIZE = _HEADER.size + CAPACITY * _TIME.size


@dataclass(frozen=True, slots=True)
class Start:
    """A recorded start: its place in the ring, and when it was."""

    number: int
    at_ns: int


class StartRing:
    """The shared ring. `limit` of `try_start` must be below `CAPACITY`."""

    def __init__(self, folder: Path) -> None:
        self._lock = os.open(folder / "starts.lock", os.O_RDWR | os.O_CREAT, 0o600)
        descriptor = os.open(folder / "starts", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # only ever longer: shortening a file that others have mapped would kill them
            if os.fstat(descriptor).st_size < _SIZE:
                os.ftruncate(descriptor, _SIZE)
            self._map = mmap.mmap(descriptor, _SIZE)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let go of the files."""
        self._map.close()
        os.close(self._lock)

    def try_start(self, *, now_ns: int, limit: int, window_ns: int) -> Start | int | None:
        """Record a start at *now_ns*, or say after how many nanoseconds to ask again.

        None: somebody else is at the ring this very moment.
        """
        if not try_lock(self._lock):
            return None
        try:
            return self._start(now_ns, limit, window_ns)
        finally:
            unlock(self._lock)

    def counts_from(self, start: Start, moment_ns: int) -> None:
        """Have *start* count from an earlier moment than it was recorded with; a later one changes nothing.

        Without the lock: it is one aligned word, and no other process writes to a place so young.
        """
        if max(0, moment_ns) < start.at_ns and self._time(start.number) == start.at_ns:
            _TIME.pack_into(self._map, _offset(start.number), max(0, moment_ns))

    def count_since(self, moment_ns: int) -> int:
        """How many of the recorded starts are later than *moment_ns*. May be off by those that start meanwhile."""
        magic, count = _HEADER.unpack_from(self._map, 0)
        if magic != _MAGIC:
            return 0
        lowest = max(0, count - CAPACITY + 1)
        older, newer = lowest, count
        while older < newer:
            middle = (older + newer) // 2
            if self._time(middle) > moment_ns:
                newer = middle
            else:
                older = middle + 1
        return int(count - older)

    def _start(self, now_ns: int, limit: int, window_ns: int) -> Start | int:
        magic, count = _HEADER.unpack_from(self._map, 0)
        latest = self._time(count - 1) if magic == _MAGIC and count else 0
        if magic != _MAGIC or latest > now_ns + window_ns:
            count = 0
        else:
            # whoever read the clock before another process recorded its start, and came to the lock after it
            now_ns = max(now_ns, latest)
        if count >= limit:
            oldest = self._time(count - limit)
            if oldest + window_ns > now_ns:
                return oldest + window_ns - now_ns
        # the time first: a count never promises a time that is not there
        _TIME.pack_into(self._map, _offset(count), now_ns)
        _HEADER.pack_into(self._map, 0, _MAGIC, count + 1)
        return Start(count, now_ns)

    def _time(self, number: int) -> int:
        return int(_TIME.unpack_from(self._map, _offset(number))[0])


def _offset(number: int) -> int:
    return _HEADER.size + number % CAPACITY * _TIME.size
