"""Keeps what was measured: every single figure, with the circumstances, in a dated file."""

import json
import os
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from benchmarks.registry import Report, Wishes

RESULTS = Path(__file__).parent / "results"


def _commit() -> str:
    """What was measured; empty outside a git work tree."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip()


def keep(path: Path, began: datetime, wishes: Wishes, reports: Sequence[Report]) -> None:
    """Written anew after each benchmark, so that an interruption costs only the one that was running."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "began": began.isoformat(),
        "cores": os.cpu_count(),
        "runs": wishes.runs,
        "quick": wishes.is_quick,
        "windowSeconds": wishes.window_seconds,
        "timesFaster": wishes.times_faster,
        "oneBudget": wishes.has_one_budget,
        "commit": _commit(),
        "load": os.getloadavg(),
        "reports": [report.as_json() for report in reports],
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
