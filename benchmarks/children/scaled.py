"""An index of so many files, in a process of its own: what each operation takes, and what memory all of it took.

Arguments: the number of files, a folder. Prints one JSON document.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.filled_index import filled_index, record_copied
from storage_core.exports import write_everything
from storage_core.index.opening import open_index
from storage_core.index.reading import open_for_reading
from storage_core.index.store import Index
from storage_core.model.settings import EngineOption
from storage_core.plan.estimating import Speeds, make_plan
from storage_core.reports.figures import read_figures
from storage_core.reports.report import RunFacts
from storage_core.reports.summary import summary_of
from storage_core.steps.phases import COPY

_COMMIT = 10
"""Outcomes that a second brings under the throttle."""


def main() -> None:
    """Measure."""
    rows, folder = int(sys.argv[1]), Path(sys.argv[2])
    path = folder / "scale.duckdb"
    found: dict[str, Any] = {"rows": rows, "fill": _timed(lambda: filled_index(path, rows)), "peakFill": _peak_mib()}
    found["bytes"] = path.stat().st_size
    began = time.perf_counter()
    with open_index(path, None, create=False) as index:
        first = COPY.claim(index, 0, COPY.batch_size)
        found["resume"] = time.perf_counter() - began
        found["claimed"] = len(first)
        found["plan"] = _timed(lambda: _plan(index))
        found["claim"] = _timed(lambda: COPY.claim(index, first[-1].copy_id, COPY.batch_size))
        found["commit"] = _timed(lambda: record_copied(index, [one.copy_id for one in first[:_COMMIT]]))
        found["snapshot"] = _timed(lambda: index.publish(force=True))
    found["status"] = _timed(lambda: _status(path))
    found["report"] = _timed(lambda: write_everything(path, folder / "report", RunFacts(made_at=datetime.now(UTC))))
    found["peakAll"] = _peak_mib()
    print(json.dumps(found))


def _plan(index: Index) -> None:
    make_plan(
        settings=index.settings,
        ahead=index.ahead(),
        engine=EngineOption.SYNAPSE,
        shares=(),
        counts=index.counts(),
        findings=(),
        speeds=Speeds(calls_per_minute=600),
    )


def _status(path: Path) -> None:
    with open_for_reading(path) as reader:
        summary_of(read_figures(reader), RunFacts(made_at=datetime.now(UTC)))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
