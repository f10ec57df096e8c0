"""Memory does not grow with the size of a file."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.objects.contents import FileContent
from sandbox.server import Sandbox
from storage_core.model.ids import EntityId

MIB = 2**20
MOST_MIB = 200

MEASURED = """
import re
from pathlib import Path
from tests.transfers.victim import main
main()
# not getrusage: that begins with what the parent had
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.fixture
def peak(running: Sandbox, repository: Path, tmp_path: Path) -> Callable[..., int]:
    """Runs one transfer in a process of its own; its peak memory in MiB."""

    def run(*words: str, most_seconds: float = 280) -> int:
        path = os.pathsep.join([str(repository), os.environ.get("PYTHONPATH", "")])
        settings = {"SYNAPSE_CALLS_PER_MINUTE": "60000", "SYNAPSE_STATE_FOLDER": str(tmp_path / "state")}
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *words],
            env={**os.environ, **running.environment(), **settings, "PYTHONPATH": path},
            cwd=repository,
            capture_output=True,
            text=True,
            timeout=most_seconds,
            check=False,
        )
        assert 0 == done.returncode, done.stderr[-3000:]
        return int(json.loads(done.stdout))

    return run


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs the high-water mark that Linux keeps")
@pytest.mark.parametrize("size", [300 * MIB, pytest.param(2048 * MIB, marks=pytest.mark.long)])
def test_a_large_file_goes_up_and_down_in_little_memory(
    running: Sandbox, container: EntityId, peak: Callable[..., int], tmp_path: Path, size: int
) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(size)

    up = peak("up", "never", container, str(path))
    (child,) = running.world.entities.children_of(container)
    path.unlink()
    down = peak("down", "never", child.id, str(tmp_path / "down"))

    assert size == (tmp_path / "down" / "large.bin").stat().st_size
    assert max(up, down) < MOST_MIB


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs the high-water mark that Linux keeps")
def test_twenty_gigabytes_go_up_and_down_in_little_memory(
    running: Sandbox, container: EntityId, peak: Callable[..., int], tmp_path: Path
) -> None:
    """Each way takes as much room on the disk once; the file itself and what the sandbox gives back are holes."""
    size, most_seconds = 20 * 1000**3, 1700.0
    free = shutil.disk_usage(tmp_path).free
    if free < size + 5 * 1000**3:
        pytest.skip(f"only {free:,} bytes free")
    path, holes = tmp_path / "large.bin", tmp_path / "holes"
    for one in (path, holes):
        with one.open("wb") as file:
            file.truncate(size)

    up = peak("up", "never", container, str(path), most_seconds=most_seconds)
    (child,) = running.world.entities.children_of(container)
    handle = running.world.handles.require(child.current.handle_id or "")
    bucket, key, md5 = handle.bucket or "", handle.key or "", handle.content_md5 or ""
    running.world.objects.put(bucket, key, FileContent(holes, size, md5))
    path.unlink()
    down = peak("down", "never", child.id, str(tmp_path / "down"), most_seconds=most_seconds)

    assert size == (tmp_path / "down" / "large.bin").stat().st_size
    shutil.rmtree(tmp_path / "down")
    assert max(up, down) < MOST_MIB
