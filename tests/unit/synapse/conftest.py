"""A function plays the server; time passes only when a test's clock is asked to sleep."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from storage_core.config import Config, Secret
from storage_core.synapse.transport import Transport

TOKEN = "steward-token-1234567890"
Result = TypeVar("Result")
Handler = Callable[[httpx.Request], httpx.Response]


class PatientClock:
    """Remembers how long it was asked to wait, and lets nobody wait."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=sum(self.waits))

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


class OpenDoor:
    """A limiter without a limit that knows how many are inside."""

    def __init__(self) -> None:
        self.inside = 0
        self.slowed = 0
        self.eased = 0

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

    def slow_down(self) -> None:
        self.slowed += 1

    def ease_off(self) -> None:
        self.eased += 1


@dataclass
class Lab:
    """A transport whose server is `answer`, a function a test may replace."""

    config: Config
    clock: PatientClock = field(default_factory=PatientClock)
    limiter: OpenDoor = field(default_factory=OpenDoor)
    requests: list[httpx.Request] = field(default_factory=list)
    answers: list[httpx.Response | Exception] = field(default_factory=list)
    answer: Handler | None = None

    def __post_init__(self) -> None:
        self.transport = Transport(
            self.config,
            self.limiter,
            self.clock,
            chance=random.Random(1),
            http=httpx.MockTransport(self._serve),
        )

    def _serve(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert self.limiter.inside == 1, "a call goes out only while it holds a slot"
        if self.answer is not None:
            return self.answer(request)
        following = self.answers.pop(0)
        if isinstance(following, Exception):
            raise following
        return following

    def run(self, work: Coroutine[object, object, Result]) -> Result:
        return asyncio.run(work)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        token=Secret(TOKEN),
        repo_endpoint="https://synapse.test/repo/v1",
        file_endpoint="https://synapse.test/file/v1",
        auth_endpoint="https://synapse.test/auth/v1",
        state_folder=tmp_path / "state",
    )


@pytest.fixture
def lab(config: Config) -> Lab:
    return Lab(config=config)
