"""Killed at ten moments, up and down, then run again: right bytes, once, and nothing left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from storage_core.model.ids import EntityId
from storage_core.model.transfers import UploadOrder
from tests.transfers.conftest import Transfers

MIB = 2**20
SIZE_UP = 23 * MIB + 7
SIZE_DOWN = 40 * MIB + 3
UP_MOMENTS = [
    "0", "1", str(4 * MIB), str(5 * MIB), str(9 * MIB), str(14 * MIB), str(20 * MIB), str(SIZE_UP), "ended", "attached",
]  # fmt: skip
DOWN_MOMENTS = [
    "0", "1", str(5 * MIB), str(16 * MIB), str(17 * MIB), str(25 * MIB), str(33 * MIB), str(39 * MIB), str(SIZE_DOWN),
    "ended",
]  # fmt: skip


@pytest.fixture
def victim(running: Sandbox, repository: Path, tmp_path: Path) -> Callable[..., int]:
    """Runs the process; its exit code, negative when it was killed."""

    def run(*words: str) -> int:
        path = os.pathsep.join([str(repository), os.environ.get("PYTHONPATH", "")])
        settings = {"SYNAPSE_CALLS_PER_MINUTE": "60000", "SYNAPSE_STATE_FOLDER": str(tmp_path / "state")}
        done = subprocess.run(
            [sys.executable, str(repository / "tests" / "transfers" / "victim.py"), *words],
            env={**os.environ, **running.environment(), **settings, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode in {0, -signal.SIGKILL}, done.stderr[-3000:]
        return done.returncode

    return run


def _mostly_long(moments: Sequence[str]) -> list[Any]:
    """Every fifth moment is tried by the normal run, the others by the long one."""
    return [
        pytest.param(moment, marks=[] if place % 5 == 4 else [pytest.mark.long]) for place, moment in enumerate(moments)
    ]


@pytest.mark.parametrize("moment", _mostly_long(UP_MOMENTS))
def test_an_upload_that_was_killed_is_gone_on_with(
    running: Sandbox,
    container: EntityId,
    make_file: Callable[..., Path],
    victim: Callable[..., int],
    moment: str,
) -> None:
    """One entity, one version, one file handle, one object; nothing unfinished is left in the bucket."""
    path = make_file("a.bin", SIZE_UP, seed=UP_MOMENTS.index(moment) + 1)
    objects = running.world.objects
    handles = len(running.world.handles)

    assert -signal.SIGKILL == victim("up", moment, container, str(path))
    assert 0 == victim("up", "never", container, str(path))

    (child,) = running.world.entities.children_of(container)
    assert 1 == len(child.versions)
    assert handles + 1 == len(running.world.handles)
    handle = running.world.handles.require(str(child.current.handle_id))
    assert path.read_bytes() == objects.get(str(handle.bucket), str(handle.key)).content.bytes()
    assert [] == list(objects.uploads(str(handle.bucket)))


@pytest.mark.parametrize("moment", _mostly_long(DOWN_MOMENTS))
def test_a_download_that_was_killed_is_gone_on_with(
    transfers: Transfers,
    container: EntityId,
    make_file: Callable[..., Path],
    victim: Callable[..., int],
    tmp_path: Path,
    moment: str,
) -> None:
    """Never half a file under the final name; afterwards the whole one, and nothing beside it."""
    path = make_file("a.bin", SIZE_DOWN, seed=77)
    order = UploadOrder(path=str(path), parent_id=container)
    entity_id = transfers.run(lambda desk: desk.uploader.upload(order)).entity_id
    folder = tmp_path / "down"

    assert -signal.SIGKILL == victim("down", moment, entity_id, str(folder))
    assert not (folder / "a.bin").exists()
    assert 0 == victim("down", "never", entity_id, str(folder))

    assert ["a.bin"] == [one.name for one in folder.iterdir()]
    assert path.read_bytes() == (folder / "a.bin").read_bytes()
