"""Notices that somebody has suspended the run in Prefect, and ends it so that it can go on elsewhere.

Prefect writes the new state down and leaves it at that: a flow that does not look works on to its end.
"""

import contextvars
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause
from prefect.runtime import deployment, flow_run

EVERY_SECONDS = 5.0
NOTICED = "Suspended in Prefect: what is in flight ends, nothing more begins; resumed, the run goes on from there."

Say = Callable[[str], None]


class PauseNotice:
    """Looks at the run's state on the server, from a thread of its own; a server that is away is no reason to stop."""

    def __init__(self, run: UUID, say: Say, *, look: Callable[[UUID], State | None] | None = None) -> None:
        """*look* reads the state of a run; by default from Prefect's server."""
        self._run = run
        self._say = say
        self._read = look or _state_of
        self._state: State | None = None
        self._looker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pause")
        self._look: Future[State | None] | None = None
        self._looked_at = time.monotonic()

    def is_paused(self) -> bool:
        """Whether the run was suspended; never waits for the server."""
        if self._state is not None:
            return True
        if self._look is not None and self._look.done():
            self._take(self._look)
            self._look = None
        elif self._look is None and time.monotonic() - self._looked_at >= EVERY_SECONDS:
            self._looked_at = time.monotonic()
            # which server it is is a matter of the context, which a thread does not inherit
            self._look = self._looker.submit(contextvars.copy_context().run, self._read, self._run)
        return self._state is not None

    def end_when_paused(self) -> None:
        """Look, and end the run here when it was suspended.

        Raises:
            Pause: as `take_effect` does.
        """
        if self.is_paused():
            self.take_effect()

    def close(self) -> None:
        """Look no more."""
        self._looker.shutdown(cancel_futures=True)

    def take_effect(self) -> None:
        """End the run here when it was suspended.

        Raises:
            Pause: Prefect's own signal; the server has the state already.
        """
        if self._state is not None:
            raise Pause(state=self._state)

    def _take(self, look: Future[State | None]) -> None:
        state = None if look.exception() is not None else look.result()
        if state is not None and state.is_paused():
            self._state = state
            self._say(NOTICED)


@contextmanager
def noticing_pause(say: Say) -> Iterator[PauseNotice | None]:
    """A notice for the current run; None where the run is no deployment's, which Prefect cannot suspend."""
    if not deployment.id or not flow_run.id:
        yield None
        return
    notice = PauseNotice(UUID(str(flow_run.id)), say)
    try:
        yield notice
        notice.take_effect()
    finally:
        notice.close()


def _state_of(run: UUID) -> State | None:
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run).state
