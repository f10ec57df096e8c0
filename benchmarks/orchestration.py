"""What Prefect costs: the flow against the same migration without it."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.contestants import CHILDREN, Question, environment
from benchmarks.registry import Benchmark, Report, Table, Wishes
from benchmarks.worlds import small_files
from sandbox.server import SandboxOptions, running_sandbox
from storage_core.steps.driving import Phase
from storage_core.steps.phases import COPY, DESCRIBE, PROVE, REPOINT, VERIFY, WALK

BIG_PROJECT = 2_000_000
CHILDREN_PER_FOLDER = 1_000
_UNLIMITED = Question(strategy="latest", window_seconds=60, calls_per_window=60_000)


def _run(wishes: Wishes) -> Report:
    files = wishes.items(usual=2_000, quick=100)
    found: dict[str, list[dict[str, float]]] = {"plain": [], "flow": []}
    for _ in range(wishes.runs):
        # in turns: what else the machine does changes over minutes
        for how, measured in found.items():
            measured.append(_measured(how, files))
    plain, flow = ({key: median(one[key] for one in found[how]) for key in found[how][0]} for how in found)
    table = Table(
        heading=f"{files:,} small files, no throttle, no latency",
        columns=("", "seconds", "CPU seconds", "seconds to get ready", "task runs launched", "task runs Prefect kept"),
        rows=(_row("in process", plain), _row("Prefect flow", flow)),
        remarks=(
            (
                f"With Prefect minus without: {flow['seconds'] - plain['seconds']:.1f} s, "
                f"{flow['cpu'] - plain['cpu']:.1f} s of CPU; getting ready is importing it and starting its embedded "
                "server, whose own CPU is not counted."
            ),
            (
                f"Records for {BIG_PROJECT:,} files in folders of {CHILDREN_PER_FOLDER:,}, by the phases' batch sizes: "
                f"{records(BIG_PROJECT):,} task runs and one flow run "
                f"({records(files, folders=4)} for the {files:,} files measured)."
            ),
        ),
    )
    return Report(benchmark="orchestration", tables=(table,), raw={"files": files, **found})


def records(files: int, *, folders: int | None = None) -> int:
    """Task runs for a project of so many files of one version, each with a handle of its own.

    The project itself is listed before its folders are known, and one task writes the reports.
    """
    containers = folders or -(-files // CHILDREN_PER_FOLDER)
    works: dict[Phase[Any], int] = {
        WALK: containers,
        DESCRIBE: files,
        COPY: files,
        PROVE: files,
        REPOINT: files,
        VERIFY: files,
    }
    return 2 + sum(-(-count // phase.batch_size) for phase, count in works.items())


def _row(name: str, found: dict[str, float]) -> tuple[str, ...]:
    return (
        name,
        f"{found['seconds']:.1f}",
        f"{found['cpu']:.1f}",
        f"{found['ready']:.1f}",
        f"{found['launched']:.0f}",
        f"{found['kept']:.0f}",
    )


def _measured(how: str, files: int) -> dict[str, float]:
    options = SandboxOptions(is_throttled=False, wait_scale=0)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, running_sandbox(options) as sandbox:
        sandbox.facts = facts = small_files(sandbox.world, files)
        wishes = {"how": how, "root": facts.root_id, "destination": facts.destination_id}
        home = Path(folder)
        done = subprocess.run(
            [sys.executable, str(CHILDREN / "orchestrated.py"), json.dumps(wishes)],
            cwd=home,
            env=environment(_UNLIMITED, sandbox, home) | _PREFECT | {"PREFECT_HOME": str(home / "prefect")},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"the {how} run ended with {done.returncode}: {done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


_PREFECT = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_LOGGING_LEVEL": "WARNING",
}

ORCHESTRATION = Benchmark(
    name="orchestration",
    purpose="What Prefect adds: our flow against the same migration in process, and its records for 2 million files.",
    run=_run,
)
