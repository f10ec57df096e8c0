"""A sandbox with a project and buckets, and transfers on an open connection to it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from storage_core.config import Config, load_config
from storage_core.model.ids import EntityId
from storage_core.model.transfers import TransferWishes
from storage_core.plan.file_names import clean_file_name
from storage_core.plan.parts import MIB
from storage_core.plan.upload_parts import UploadPartLimits
from storage_core.wiring.storage import StorageDesk, storage_desk
from storage_core.wiring.transfers import TransferDesk, transfer_desk

T = TypeVar("T")
USER = "3412"
SMALL_PARTS = UploadPartLimits(smallest_part_bytes=5 * MIB)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    """One sandbox per module, with a bucket that names the user as its owner."""
    with running_sandbox(SandboxOptions(scenario="demo", is_throttled=False, wait_scale=0.0)) as sandbox:
        objects = sandbox.world.objects
        objects.create_bucket("lab", region="us-east-1")
        for key in ("owner.txt", "sts/owner.txt"):
            objects.put("lab", key, USER.encode())
        yield sandbox


@pytest.fixture
def config(running: Sandbox, tmp_path: Path) -> Config:
    environment = running.environment() | {"SYNAPSE_CALLS_PER_MINUTE": "60000", "SYNAPSE_CALLS_IN_FLIGHT": "8"}
    return load_config(environment | {"SYNAPSE_STATE_FOLDER": str(tmp_path / "state")})


@pytest.fixture
def desk(config: Config) -> Iterator[StorageDesk]:
    with storage_desk(config) as opened:
        yield opened


class HurriedClock:
    """The real time, without waits."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Transfers:
    """Runs work on the network loop with everything opened for it."""

    config: Config
    desk: StorageDesk

    def run(
        self,
        work: Callable[[TransferDesk], Coroutine[Any, Any, T]],
        *,
        wishes: TransferWishes | None = None,
        is_dry: bool = False,
    ) -> T:
        async def opened() -> T:
            async with transfer_desk(
                self.config, self.desk, wishes=wishes, part_limits=SMALL_PARTS, is_dry=is_dry
            ) as transfers:
                return await work(transfers)

        return self.desk.network.run(opened())


@pytest.fixture
def transfers(config: Config, desk: StorageDesk) -> Transfers:
    return Transfers(config, replace(desk, remote=replace(desk.remote, clock=HurriedClock())))


@pytest.fixture
def container(running: Sandbox, desk: StorageDesk, request: pytest.FixtureRequest) -> EntityId:
    """A fresh folder of the test's own."""
    assert running.facts is not None
    name = clean_file_name(f"of {request.node.name}")
    return desk.network.run(desk.storage.folder_named(name, EntityId(running.facts.root_id))).id


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes files of repeatable, position-dependent bytes."""

    def make(name: str, size: int, *, seed: int = 0) -> Path:
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(size, seed=seed))
        return path

    return make


def content(size: int, *, seed: int = 0) -> bytes:
    block = b"".join((seed * 7919 + number).to_bytes(8, "big") for number in range(min(size // 8 + 1, 1 << 17)))
    return (block * (size // len(block) + 1))[:size]
