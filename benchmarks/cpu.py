"""What a small file costs us in computing, from index to read-back, and what a single exchange and commit cost."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from statistics import median

from benchmarks.contest import Contest, Measurement, compete
from benchmarks.contestants import CHILDREN, ROOT, US, US_THROUGH_A_VIEW, US_THROUGH_A_VIEW_WITH_KEYS, Question
from benchmarks.end_state import files_judge
from benchmarks.filled_index import filled_index, record_copied
from benchmarks.registry import Benchmark, Report, Table, Wishes
from benchmarks.worlds import small_files
from storage_core.index.opening import open_index

_CONTESTANTS = (US, US_THROUGH_A_VIEW, US_THROUGH_A_VIEW_WITH_KEYS)
_UNTHROTTLED = 60_000
"""Calls in a window: more than anybody sends."""

_EXCHANGES = 1_500
_COMMITS = (10, 100, 500)
"""Outcomes in a commit: of a second under the throttle, of a fast service, and the most there are."""

_ANSWER = b'{"uploadId":"1234567","state":"UPLOADING","partsState":"0","startedOn":"2026-01-01T00:00:00.000Z"}'
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_ANSWER)


def _run(wishes: Wishes) -> Report:
    files = wishes.items(usual=1_000, quick=40)
    contest = Contest(
        question=Question(strategy="latest", window_seconds=wishes.window_seconds, calls_per_window=_UNTHROTTLED),
        fill=small_files,
        judge=files_judge("latest"),
        items=files,
        item="file",
        latency_seconds=0.0,
    )
    # one after the other, each start beside its run: what else the machine does meets both
    found = [
        (compete(contest, contestant, 0), compete(contest, contestant, run))
        for run in range(1, wishes.runs + 1)
        for contestant in _CONTESTANTS
    ]
    exchanges = _exchanges(40 if wishes.is_quick else _EXCHANGES, wishes.runs)
    commits = {size: _commit_milliseconds(size, wishes.runs) for size in _COMMITS}
    return Report(
        benchmark="cpu",
        tables=(_files(files, found), _layers(exchanges), _index(commits)),
        raw={
            "items": files,
            "pairs": [asdict(one) for pair in found for one in pair],
            "exchanges": exchanges,
            "commits": {str(size): list(each) for size, each in commits.items()},
        },
    )


def _files(files: int, found: Sequence[tuple[Measurement, Measurement]]) -> Table:
    return Table(
        heading=f"{files:,} small files, strategy `latest`, no throttle, no latency",
        columns=("", "end state", "calls per file", "files per second", "CPU ms per file", "all runs", "s to start"),
        rows=tuple(_row(files, [pair for pair in found if pair[1].contestant == one.name]) for one in _CONTESTANTS),
        remarks=(
            "CPU of our process as the operating system counts it, less that of the same command for one file.",
            f"Load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.",
        ),
    )


def _row(files: int, pairs: Sequence[tuple[Measurement, Measurement]]) -> tuple[str, ...]:
    each = [1000 * (whole.cpu_seconds - start.cpu_seconds) / max(1, files - 1) for start, whole in pairs]
    calls = median((whole.calls - start.calls) / max(1, files - 1) for start, whole in pairs)
    return (
        pairs[0][1].contestant,
        "right" if all(one.is_result for pair in pairs for one in pair) else "WRONG",
        f"{calls:.3f}",
        f"{median(files / whole.wall_seconds for _, whole in pairs):.0f}",
        f"{median(each):.2f}",
        ", ".join(f"{one:.2f}" for one in each),
        f"{median(start.cpu_seconds for start, _ in pairs):.2f}",
    )


def _layers(exchanges: dict[str, list[float]]) -> Table:
    return Table(
        heading="One exchange over loopback, three at a time, a JSON object out and one back",
        columns=("", "CPU ms", "all runs"),
        rows=tuple(
            (name, f"{median(each):.3f}", ", ".join(f"{one:.3f}" for one in each)) for name, each in exchanges.items()
        ),
    )


def _index(commits: dict[int, tuple[float, ...]]) -> Table:
    return Table(
        heading="Recording that copies were made, in an index of 5,000 files",
        columns=("outcomes in a commit", "CPU ms per outcome"),
        rows=tuple((str(size), f"{median(each) / size:.3f}") for size, each in commits.items()),
    )


def _exchanges(count: int, runs: int) -> dict[str, list[float]]:
    """CPU milliseconds of each way to send, as a process of its own measures them; one value per run."""
    found: dict[str, list[float]] = {}
    with _answering() as port:
        for _ in range(runs):
            command = [sys.executable, str(CHILDREN / "exchanges.py"), str(port), str(count)]
            told = subprocess.run(command, cwd=ROOT, env=_quiet(), capture_output=True, check=True).stdout
            for name, milliseconds in json.loads(told).items():
                found.setdefault(name, []).append(milliseconds)
    return found


def _quiet() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


@contextmanager
def _answering() -> Iterator[int]:
    """A port where every request gets the same answer, from threads of this process."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def _accept(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection:
        received = b""
        while piece := connection.recv(65_536):
            received += piece
            head, blank, body = received.partition(b"\r\n\r\n")
            if blank and len(body) >= _length(head):
                connection.sendall(_HEAD + _ANSWER)
                received = body[_length(head) :]


def _length(head: bytes) -> int:
    found = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(found[0].partition(b":")[2]) if found else 0


def _commit_milliseconds(size: int, runs: int) -> tuple[float, ...]:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        path = filled_index(Path(name) / "index.duckdb", 5_000)
        with open_index(path, None, create=False) as index:
            spent = []
            for run in range(runs + 1):
                began = time.process_time()
                record_copied(index, range(1 + run * size, 1 + (run + 1) * size))
                spent.append(1000 * (time.process_time() - began))
    return tuple(spent[1:])  # the first one warms up


CPU = Benchmark(
    name="cpu",
    purpose="What a small file costs in computing, nothing held back: ours by way, one exchange by layer, one commit.",
    run=_run,
)
