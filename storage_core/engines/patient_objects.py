"""Asks S3 again when it makes sense: the one loop around requests with the user's own keys."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from storage_core.aws.refusals import ObjectRefused, ObjectTrouble
from storage_core.engines.part_troubles import S3_PATIENCE
from storage_core.plan.retrying import Patience, backoff_seconds
from storage_core.ports.clock import Clock

T = TypeVar("T")

_MOST_DENIALS = 2
"""Keys that are just being renewed are refused once; a second refusal is meant."""


class PatientObjects:
    """Repeats requests that may be repeated, which all of ours may."""

    def __init__(self, clock: Clock, *, chance: random.Random | None = None, patience: Patience = S3_PATIENCE) -> None:
        self._clock = clock
        self._chance = chance or random.Random()  # noqa: S311 - spreads waits
        self._patience = patience

    async def ask(self, request: Callable[[], Awaitable[T]]) -> T:
        """Send until it is answered; some two minutes long while S3 is busy, twice when it denies.

        Raises:
            ObjectRefused: the last refusal.
        """
        busy = denials = 0
        while True:  # each refusal either raises or is counted
            try:
                return await request()
            except ObjectRefused as refused:
                busy += refused.trouble is ObjectTrouble.BUSY
                denials += refused.trouble is ObjectTrouble.DENIED
                is_passing = refused.trouble in {ObjectTrouble.BUSY, ObjectTrouble.DENIED}
                if not is_passing or busy >= self._patience.faults or denials >= _MOST_DENIALS:
                    raise
            wait = backoff_seconds(busy + denials - 1, jitter=self._chance.random(), patience=self._patience)
            await self._clock.sleep(wait)
