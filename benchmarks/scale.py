"""What a migration of virtual files costs as it grows: time per file, bytes, memory, and what a steward waits for."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from benchmarks.contestants import CHILDREN, ROOT
from benchmarks.registry import Benchmark, Report, Table, Wishes

SIZES = (1_000, 10_000, 100_000, 1_000_000, 5_000_000)


def _run(wishes: Wishes) -> Report:
    sizes = (wishes.size,) if wishes.size else SIZES[:2] if wishes.is_quick else SIZES
    found = [measured(size) for size in sizes]
    return Report(benchmark="scale", tables=(scale_table(found),), raw={"sizes": found})


def measured(files: int) -> dict[str, Any]:
    """All figures of a project of so many files; seconds by the clock and of computing, bytes, MiB."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        done = subprocess.run(
            [sys.executable, str(CHILDREN / "scaled.py"), str(files), folder],
            env={"PATH": os.environ["PATH"], "HOME": folder, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"the migration of {files:,} files ended with {done.returncode}: {done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def latest_sizes(found: Sequence[Any]) -> list[dict[str, float]]:
    """Of kept results, by number of files; of several for one number the latest."""
    latest = {one["rows"]: one for raw in found for one in raw["sizes"]}
    return [latest[rows] for rows in sorted(latest)]


def scale_table(found: Sequence[Any]) -> Table:
    """What was measured, a row for each size."""
    return Table(
        heading="Files of one version, each with a handle of its own",
        columns=(
            "files",
            "µs to index a file",
            "of them computing",
            "bytes per file",
            "s to plan",
            "s from restart to the first copy",
            "µs of computing to migrate a file",
            "ms for the next 2,500 copies",
            "s for a read snapshot",
            "s for status",
            "s for all reports",
            "peak MiB while indexing",
            "peak MiB in all",
        ),
        rows=tuple(
            (
                f"{one['rows']:,}",
                f"{1e6 * one['fill'] / one['rows']:.0f}",
                f"{1e6 * one['fillCpu'] / one['rows']:.0f}",
                f"{one['bytes'] / one['rows']:,.0f}",
                f"{one['plan']:.2f}",
                f"{one['resume']:.2f}",
                f"{1e6 * one['migrateCpu'] / one['migrated']:.0f}",
                f"{1e3 * one['claim']:.0f}" if one["claimed"] else "",
                f"{one['snapshot']:.2f}",
                f"{one['status']:.2f}",
                f"{one['report']:.1f}",
                f"{one['peakFill']:.0f}",
                f"{one['peakAll']:.0f}",
            )
            for one in found
        ),
        remarks=(
            (
                "The product's own phases, driver and index, all files one by one; Synapse and the copies are made up "
                "behind their ports, so no HTTP is in it. Digests, etags and keys look like chance, as real ones do."
            ),
        ),
    )


SCALE = Benchmark(
    name="scale",
    purpose="What 1,000 to 5,000,000 files take to index, plan and schedule: time and bytes per file, memory, reports.",
    run=_run,
)
