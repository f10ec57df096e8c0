"""How much was handed over and is not recorded yet: handing over never waits, so whoever makes a lot has to."""

import threading
from collections.abc import Callable

from storage_core.ports.clock import Clock

_LOOK_SECONDS = 0.05


class Backlog:
    """Outcomes on their way to the index. Empty where nobody counts them."""

    def __init__(self) -> None:
        self._count: Callable[[], int] = int

    def counted_by(self, count: Callable[[], int]) -> None:
        """Have a run say how many there are; *count* is called on the network loop."""
        self._count = count

    async def at_most(self, outcomes: int, *, clock: Clock, stop: threading.Event) -> None:
        """Wait until no more than so many are left, or the run is to stop."""
        while self._count() > outcomes and not stop.is_set():
            await clock.sleep(_LOOK_SECONDS)
