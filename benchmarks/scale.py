"""What an index costs as it grows: time per item, bytes per item, memory, and what a steward waits for."""

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from benchmarks.contestants import CHILDREN, ROOT
from benchmarks.registry import Benchmark, Report, Table, Wishes

SIZES = (1_000, 10_000, 100_000, 1_000_000)


def _run(wishes: Wishes) -> Report:
    sizes = (wishes.size,) if wishes.size else SIZES[:2] if wishes.is_quick else SIZES
    found = [measured(size) for size in sizes]
    return Report(benchmark="scale", tables=(_table(found),), raw={"sizes": found})


def measured(files: int) -> dict[str, Any]:
    """All figures of an index of so many files, each waiting to be copied; seconds, bytes, MiB."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        done = subprocess.run(
            [sys.executable, str(CHILDREN / "scaled.py"), str(files), folder],
            env={"PATH": os.environ["PATH"], "HOME": folder, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"the index of {files:,} files ended with {done.returncode}: {done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _table(found: list[dict[str, Any]]) -> Table:
    return Table(
        heading="An index of files that wait to be copied",
        columns=(
            "files",
            "µs to record a file",
            "bytes per file",
            "s to plan",
            "s to the first works after a restart",
            "ms for the next 2,500 works",
            "ms to commit 10 copies",
            "s for a read snapshot",
            "s for status",
            "s for all reports",
            "peak MiB while filling",
            "peak MiB in all",
        ),
        rows=tuple(
            (
                f"{one['rows']:,}",
                f"{1e6 * one['fill'] / one['rows']:.0f}",
                f"{one['bytes'] / one['rows']:.0f}",
                f"{one['plan']:.2f}",
                f"{one['resume']:.2f}",
                f"{1e3 * one['claim']:.0f}",
                f"{1e3 * one['commit']:.0f}",
                f"{one['snapshot']:.2f}",
                f"{one['status']:.2f}",
                f"{one['report']:.1f}",
                f"{one['peakFill']:.0f}",
                f"{one['peakAll']:.0f}",
            )
            for one in found
        ),
        remarks=("Filled through the index's own methods, as by a walk; the files' handles are all different.",),
    )


SCALE = Benchmark(
    name="scale",
    purpose="What an index of 1,000 to 1,000,000 files takes: time and bytes per file, memory, plan, status, report.",
    run=_run,
)
