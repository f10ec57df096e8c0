"""An index of a million rows: choosing the next work and everything else, our DuckDB and the client's SQLite file."""

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.contestants import CHILDREN, JUDGE_PYTHON
from benchmarks.filled_index import filled_index, record_copied
from benchmarks.registry import Benchmark, Report, Table, Wishes
from storage_core.index.opening import open_index
from storage_core.index.reading import open_for_reading
from storage_core.index.store import Index
from storage_core.reports.csv_log import write_csv
from storage_core.steps.phases import COPY

RECORDED = 10
"""Outcomes that a second brings under the throttle."""


def _run(wishes: Wishes) -> Report:
    rows = wishes.items(usual=1_000_000, quick=10_000)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        began = time.monotonic()
        ours = filled_index(folder / "ours.duckdb", rows)
        filling = time.monotonic() - began
        claims = _claims(ours, rows, wishes.runs)
        operations = _operations(ours, rows, wishes.runs)
        theirs = _theirs(folder, rows, wishes.runs)
        sizes = (ours.stat().st_size, theirs["bytes"])
    query, claim = median(theirs["seconds"]), median(seconds for seconds, _ in claims)
    per_item = median(seconds / works for seconds, works in claims)
    table = Table(
        heading=f"Choosing the next copies, {rows:,} rows waiting",
        columns=("", "ms per query", "items it yields", "µs per item", "hours for all rows", "bytes per row"),
        rows=(
            _row("synapse-storage, DuckDB", claim, COPY.batch_size, per_item, rows, sizes[0]),
            _row("synapseclient, SQLite", query, 1, query, rows, sizes[1]),
        ),
        remarks=(
            f"Ratio per item: {query / per_item:,.0f}.",
            "The client asks once for each item that finishes, and gets as many as finished: one.",
            f"Filling ours took {filling:.0f} s, {1e6 * filling / rows:.0f} µs per row.",
        ),
    )
    raw = {
        "rows": rows,
        "ourClaims": claims,
        "theirQueries": theirs,
        "fillSeconds": filling,
        "fileBytes": sizes,
        "ourOperations": asdict(operations),
    }
    return Report(benchmark="selection", tables=(table, operations_table(raw)), raw=raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """Seconds of every try. *record* is per outcome, of a second's worth of them under the throttle."""

    record: tuple[float, ...]
    count: tuple[float, ...]
    csv: tuple[float, ...]


def operations_table(raw: Mapping[str, Any]) -> Table:
    """The same operations side by side, from what was kept of a run."""
    ours, theirs, rows = raw["ourOperations"], raw["theirQueries"], raw["rows"]
    claims = median(seconds / works for seconds, works in raw["ourClaims"])
    return Table(
        heading=f"The same operations on {rows:,} rows",
        columns=("", "synapse-storage, DuckDB", "synapseclient, SQLite", "their time : ours"),
        rows=(
            _operation("indexing a file, µs", 1e6 / rows, raw["fillSeconds"], theirs["fill"]),
            _operation("choosing an item, µs", 1e6, claims, median(theirs["seconds"])),
            _operation("recording an outcome, µs", 1e6, median(ours["record"]), median(theirs["record"])),
            _operation("counting by status, ms", 1e3, median(ours["count"]), median(theirs["count"])),
            _operation("writing all rows as CSV, s", 1, median(ours["csv"]), median(theirs["csv"])),
            _operation("size of the file, bytes per row", 1 / rows, *raw["fileBytes"]),
        ),
        remarks=(
            "Ours keeps a content type, a bucket, a key, names and a journal of every decision; theirs does not.",
            f"Outcomes: ours {RECORDED} in a commit, as a second brings under the throttle; theirs one by one.",
        ),
    )


def _operation(name: str, scale: float, ours: float, theirs: float) -> tuple[str, ...]:
    return (name, f"{scale * ours:,.1f}", f"{scale * theirs:,.1f}", f"{theirs / ours:,.2f}")


def _operations(path: Path, rows: int, runs: int) -> Operations:
    with open_index(path, None, create=False) as index:
        works = COPY.claim(index, rows // 2, runs * RECORDED)
        record = tuple(
            _seconds(partial(record_copied, index, [work.copy_id for work in works[at : at + RECORDED]])) / RECORDED
            for at in range(0, runs * RECORDED, RECORDED)
        )
    with open_for_reading(path) as reader:
        count = tuple(_seconds(reader.counts) for _ in range(runs))
        csv = tuple(_seconds(partial(write_csv, reader, path.with_suffix(".csv"))) for _ in range(runs))
    return Operations(record=record, count=count, csv=csv)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _row(name: str, query: float, yields: int, item: float, rows: int, size: int) -> tuple[str, ...]:
    hours = item * rows / 3600
    return (name, f"{query * 1e3:.1f}", f"{yields:,}", f"{item * 1e6:,.1f}", f"{hours:,.3f}", f"{size / rows:.0f}")


def _claims(path: Path, rows: int, runs: int) -> list[tuple[float, int]]:
    """Seconds and works of claims at the start, in the middle and near the end of the rows."""
    places = (0, rows // 2, rows - 2 * COPY.batch_size)
    with open_index(path, None, create=False) as index:
        return [_timed(index, max(0, after)) for _ in range(runs) for after in places]


def _timed(index: Index, after: int) -> tuple[float, int]:
    began = time.perf_counter()
    works = COPY.claim(index, after, COPY.batch_size)
    return time.perf_counter() - began, len(works)


def _theirs(folder: Path, rows: int, runs: int) -> dict[str, Any]:
    wishes = json.dumps({"rows": rows, "runs": runs, "path": str(folder / "theirs.db")})
    done = subprocess.run(
        [str(JUDGE_PYTHON), str(CHILDREN / "their_selection.py"), wishes],
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


SELECTION = Benchmark(
    name="selection",
    purpose="Choosing what to do next at a million waiting rows: our index and the query of the client's SQLite file.",
    run=_run,
)
