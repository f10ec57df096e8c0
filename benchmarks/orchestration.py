"""What Prefect costs: the flow against the same migration without it, by batch size; and what its server keeps."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.contestants import CHILDREN, Question, environment
from benchmarks.registry import Benchmark, Report, Table, Wishes
from benchmarks.server_records import Kept, kept_by_server
from benchmarks.worlds import FOLDERS, small_files
from sandbox.server import SandboxOptions, running_sandbox
from storage_core.steps.driving import Phase
from storage_core.steps.phases import COPY, DESCRIBE, FILES_PER_BATCH, PROVE, REPOINT, VERIFY, WALK

BIG_PROJECT = 2_000_000
QUOTED_RUN = 20_000
QUOTED_DATABASE = 100_000
CHILDREN_PER_FOLDER = 1_000
CALLS_PER_FILE = 5.11
"""Of strategy latest with a view; the fewest, so that Prefect's share is the largest (docs/benchmarks.md)."""
CALLS_PER_SECOND = 10
BATCH_SIZES = (50, 250, FILES_PER_BATCH)
_UNLIMITED = Question(strategy="latest", window_seconds=60, calls_per_window=60_000)

Found = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Prefect's seconds, as a part for the run and a part for each of its task runs."""

    per_run: float
    per_task_run: float

    def of(self, files: int) -> float:
        """For a project of so many files, at the batch size that we ship."""
        return self.per_run + self.per_task_run * records(files)


def _run(wishes: Wishes) -> Report:
    files = wishes.items(usual=2_000, quick=100)
    ways = [0, *((10, FILES_PER_BATCH) if wishes.is_quick else BATCH_SIZES)]
    found: dict[int, list[Found]] = {way: [] for way in ways}
    for _ in range(wishes.runs):
        # in turns: what else the machine does changes over minutes
        for batch_size, measured in found.items():
            measured.append(_measured(files, batch_size))
    middle = {way: _medians(measured) for way, measured in found.items()}
    server = kept_by_server(lambda variables: _measured(files, FILES_PER_BATCH, variables))
    return Report(
        benchmark="orchestration",
        tables=(_overhead(files, middle), _computed(cost_of(middle)), _database(files, server)),
        raw={
            "files": files,
            "runs": {str(way): measured for way, measured in found.items()},
            "server": server.as_json(),
        },
    )


def records(files: int, *, folders: int | None = None, batch_size: int = FILES_PER_BATCH) -> int:
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
    return 2 + sum(-(-count // min(phase.batch_size, batch_size)) for phase, count in works.items())


def cost_of(middle: Mapping[int, Found]) -> Cost:
    """What the run itself and each task run cost, from the smallest and the largest batches. Never below nothing."""
    sizes = sorted(size for size in middle if size)
    many, few = (
        (middle[size]["launched"], middle[size]["seconds"] - middle[0]["seconds"]) for size in (sizes[0], sizes[-1])
    )
    per_task_run = max(0.0, (many[1] - few[1]) / (many[0] - few[0]))
    return Cost(per_run=max(0.0, few[1] - per_task_run * few[0]), per_task_run=per_task_run)


def _overhead(files: int, middle: Mapping[int, Found]) -> Table:
    plain = middle[0]
    return Table(
        heading=f"{files:,} small files in {FOLDERS} folders, no throttle, no latency",
        columns=(
            "Works per batch", "files", "task runs launched", "kept by Prefect", "seconds",
            "more than without Prefect", "CPU seconds", "more than without Prefect",
        ),
        rows=tuple(
            (
                f"{size:,}" if size else "without Prefect",
                f"{files:,}",
                f"{one['launched']:.0f}",
                f"{one['kept']:.0f}",
                f"{one['seconds']:.1f}",
                f"{one['seconds'] - plain['seconds']:.1f}" if size else "",
                f"{one['cpu']:.1f}",
                f"{one['cpu'] - plain['cpu']:.1f}" if size else "",
            )
            for size, one in middle.items()
        ),
        remarks=(
            f"We ship batches of {FILES_PER_BATCH:,}.",
            "Importing Prefect and starting its server is not counted, nor is the server's own CPU.",
            f"Load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.",
        ),
    )  # fmt: skip


def _computed(cost: Cost) -> Table:
    seconds = QUOTED_RUN * CALLS_PER_FILE / CALLS_PER_SECOND
    return Table(
        heading="Computed from these for larger runs",
        columns=("files", "task runs", "Prefect's seconds", "seconds in Synapse", "Prefect's share"),
        rows=tuple(
            (
                f"{files:,}",
                f"{records(files):,}",
                f"{cost.of(files):.1f}",
                f"{seconds * files / QUOTED_RUN:,.0f}",
                f"{100 * cost.of(files) / (seconds * files / QUOTED_RUN):.2f} %",
            )
            for files in (QUOTED_RUN, BIG_PROJECT)
        ),
        remarks=(
            f"Prefect: {cost.per_run:.1f} s for the run and {1000 * cost.per_task_run:.0f} ms for each task run.",
            "Both by the smallest and the largest batches above.",
            f"Synapse: {CALLS_PER_FILE} calls a file at {CALLS_PER_SECOND} a second, what the service allows.",
            f"Task runs by the phases' batch sizes, {CHILDREN_PER_FOLDER:,} files in a folder.",
        ),
    )


def _database(files: int, kept: Kept) -> Table:
    rows = [("the run measured", f"{files:,}", kept.task_runs, kept.grown_bytes)]
    if kept.task_runs:
        for more in (QUOTED_DATABASE, BIG_PROJECT):
            task_runs = records(more)
            rows.append(("computed", f"{more:,}", task_runs, round(kept.grown_bytes * task_runs / kept.task_runs)))
    return Table(
        heading="What a Prefect server on PostgreSQL keeps of a run",
        columns=("", "files", "task runs", "its database grows by"),
        rows=tuple((what, much, f"{runs:,}", f"{size / 1e6:.2f} MB") for what, much, runs, size in rows),
        remarks=(
            kept.remark,
            "Rows that came: " + ", ".join(f"{name} {count:,}" for name, count in kept.rows.items()) + ".",
            "Computed in proportion to task runs, so that what a run keeps once is counted many times.",
        ),
    )


def _medians(measured: Sequence[Found]) -> Found:
    return {key: median(one[key] for one in measured) for key in measured[0]}


def _measured(files: int, batch_size: int, variables: Mapping[str, str] | None = None) -> Found:
    """One run; without Prefect when *batch_size* is 0."""
    options = SandboxOptions(is_throttled=False, wait_scale=0)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, running_sandbox(options) as sandbox:
        sandbox.facts = facts = small_files(sandbox.world, files)
        wishes = {"batch": batch_size, "root": facts.root_id, "destination": facts.destination_id}
        home = Path(folder)
        prefect = _PREFECT | {"PREFECT_HOME": str(home / "prefect")} | dict(variables or {})
        done = subprocess.run(
            [sys.executable, str(CHILDREN / "orchestrated.py"), json.dumps(wishes)],
            cwd=home,
            env=environment(_UNLIMITED, sandbox, home) | prefect,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"the run in batches of {batch_size} ended with {done.returncode}: {done.stderr[-3000:]}")
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
    purpose="What Prefect adds to the same migration in process, by batch size, and what its server keeps.",
    run=_run,
)
