"""Uploads and downloads side by side: many small files, and one large one."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.contestants import CHILDREN, JUDGE_PYTHON, OURS, ROOT
from benchmarks.registry import Benchmark, Report, Table, Wishes
from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from sandbox.synapse.kinds import Kind

THEIRS = "synapseclient"
MIB = 1 << 20
_MOST_SECONDS = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is moved."""

    name: str
    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One way of one load by one contestant; seconds without the start of the interpreter.

    Attributes:
        cpu_seconds: of the contestant alone; how busy the machine is changes them little.
    """

    contestant: str
    load: str
    direction: str
    run: int
    seconds: float
    cpu_seconds: float
    mib: int


def run(wishes: Wishes) -> Report:
    """Each contestant up, then down, in a fresh sandbox without throttle and without latency, one after the other."""
    small = Load(name="200 files of 1 MB", files=wishes.items(200, 20), size_bytes=1_000_000)
    large = Load(name="one file of 2 GB", files=1, size_bytes=(64 if wishes.is_quick else 2048) * MIB)
    found = [
        one
        for number in range(1, wishes.runs + 1)
        for load in (small, large)
        for contestant in (OURS, THEIRS)
        for one in _both_ways(load, contestant, number)
    ]
    return Report(
        benchmark="transfers",
        tables=(_table(found, (small, large)),),
        raw={"measurements": [asdict(one) for one in found]},
    )


def _both_ways(load: Load, contestant: str, number: int) -> list[Measurement]:
    with (
        tempfile.TemporaryDirectory(prefix="transfers-") as folder,
        running_sandbox(SandboxOptions(scenario="demo", is_throttled=False, wait_scale=0.0)) as sandbox,
    ):
        place = Path(folder)
        names = _written(place / "up", load)
        single = names[0] if load.files == 1 else None
        parent = _folder(sandbox)
        up = _measured(sandbox, contestant, place, direction="up", parent=parent, file=single, id=None)
        children = sandbox.world.entities.children_of(parent)
        if len(children) != load.files:
            raise RuntimeError(f"{contestant} uploaded {len(children)} of {load.files} files")
        (place / "down").mkdir()
        down = _measured(sandbox, contestant, place, direction="down", parent=parent, file=single, id=children[0].id)
        _require_same(place, names)
    return [
        Measurement(contestant=contestant, load=load.name, direction=direction, run=number, **figures)
        for direction, figures in (("up", up), ("down", down))
    ]


def _written(folder: Path, load: Load) -> list[str]:
    """Files of bytes that no two share."""
    folder.mkdir()
    names = [f"file {number}.bin" for number in range(load.files)]
    for name in names:
        with (folder / name).open("wb") as file:
            left = load.size_bytes
            while left:
                left -= file.write(os.urandom(min(left, 8 * MIB)))
    return names


def _folder(sandbox: Sandbox) -> str:
    if sandbox.facts is None:
        raise RuntimeError("a benchmark needs a filled sandbox")
    world = sandbox.world
    root = world.entities.require(sandbox.facts.root_id)
    made = world.entities.add(
        world, kind=Kind.FOLDER, name="transfers", parent_id=root.id, created_by=world.principals.demo.id
    )
    return made.id


def _measured(sandbox: Sandbox, contestant: str, place: Path, **wishes: Any) -> dict[str, Any]:
    folder = place / wishes["direction"]
    ours = contestant == OURS
    script = CHILDREN / ("transfer_ours.py" if ours else "transfer_theirs.py")
    settings = {"SYNAPSE_CALLS_PER_MINUTE": "60000", "SYNAPSE_STATE_FOLDER": str(place / "state")}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SYNAPSE_", "AWS_"))}
    done = subprocess.run(
        [sys.executable if ours else JUDGE_PYTHON, script, json.dumps(wishes | {"folder": str(folder)})],
        env=inherited | sandbox.environment() | settings | ({"PYTHONPATH": str(ROOT)} if ours else {}),
        cwd=place,
        capture_output=True,
        text=True,
        timeout=_MOST_SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{contestant}: {done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def _require_same(place: Path, names: list[str]) -> None:
    """A contestant that loses bytes has no figure."""
    for name in names:
        up, down = place / "up" / name, place / "down" / name
        if subprocess.run(["cmp", "-s", up, down], check=False).returncode:
            raise RuntimeError(f"{name} did not come back as it went")


def _table(found: list[Measurement], loads: tuple[Load, ...]) -> Table:
    rows = []
    for load in loads:
        for direction in ("up", "down"):
            ours, theirs = (
                [one for one in found if (one.contestant, one.load, one.direction) == (who, load.name, direction)]
                for who in (OURS, THEIRS)
            )
            seconds = [median(one.seconds for one in side) for side in (ours, theirs)]
            cpu = [median(one.cpu_seconds for one in side) for side in (ours, theirs)]
            memory = [max(one.mib for one in side) for side in (ours, theirs)]
            rows.append(
                (
                    f"{load.name}, {direction}",
                    *(f"{one:.2f}" for one in seconds),
                    f"{seconds[1] / seconds[0]:.1f}",
                    *(f"{one:.2f}" for one in cpu),
                    f"{cpu[1] / cpu[0]:.1f}",
                    *(str(one) for one in memory),
                )
            )
    return Table(
        heading="Uploads and downloads on this machine alone",
        columns=(
            "",
            "ours, s",
            f"{THEIRS}, s",
            "times faster",
            "ours, CPU s",
            f"{THEIRS}, CPU s",
            "times less",
            "ours, peak MiB",
            f"{THEIRS}, peak MiB",
        ),
        rows=tuple(rows),
        remarks=("The sandbox, its S3 and the contestant share the machine; no throttle, no latency.",),
    )


TRANSFERS = Benchmark(
    name="transfers", purpose="Files up and down, many small ones and one large one, next to the client.", run=run
)
