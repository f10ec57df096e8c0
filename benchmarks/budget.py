"""How much of the call budget a migration uses while it has work, at several latencies.

Small files, and a few of 30 GB that S3 needs a while for, which come last in the tree: the worst place for them.
"""

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.contest import snapshot_of
from benchmarks.contestants import CALLS_PER_SECOND, US, Question, environment
from benchmarks.end_state import files_judge
from benchmarks.registry import Benchmark, Report, Table, Wishes
from benchmarks.timed_traffic import TimedTraffic
from benchmarks.worlds import mixed_sizes
from sandbox.server import SandboxOptions, running_sandbox
from sandbox.synapse.throttle import Window

LATENCIES = (0.02, 0.1, 0.25, 0.8)
LARGE = 4
IN_FLIGHT = 3
IN_FLIGHT_BOUNDS_FROM = IN_FLIGHT / CALLS_PER_SECOND
"""Seconds of latency at which so many calls in flight make ten a second."""

COPY_SECONDS = 60.0
"""What S3 needs for a part of 5 GiB: 90 MB/s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What one run made of its budget.

    Attributes:
        seconds: from the first call to the last answer.
        steady: how much of the budget was used between the end of the first window and the last one that was filled;
            None in a run too short for that. Ends are left out: calls that must wait for each other.
        least_seconds: what so many calls need at least, by the throttle and by what is in flight at this latency.
        wrong: violations of the end state.
    """

    latency: float
    calls: int
    throttled: int
    seconds: float
    least_seconds: float
    steady: float | None
    wrong: int

    @property
    def share(self) -> float:
        """How much of the budget was used."""
        return self.least_seconds / self.seconds


def steady_share(came: Sequence[float], window: Window) -> float | None:
    """The share used in the full windows after the first, from when their calls came."""
    full = (len(came) - 1) // window.calls - 1
    if full < 1:
        return None
    return full * window.seconds / (came[window.calls * (full + 1)] - came[window.calls])


def least_seconds(calls: int, *, latency: float, window: Window) -> float:
    """The shortest time in which the service takes so many calls."""
    full, rest = divmod(calls - 1, window.calls)
    pace = latency / IN_FLIGHT
    return max(full * window.seconds + (rest + 1) * pace, calls * pace)


def _run(wishes: Wishes) -> Report:
    files = wishes.items(usual=150, quick=20)
    with ThreadPoolExecutor(len(LATENCIES)) as threads:
        runs = [threads.map(lambda at: _measured(wishes, files, at), LATENCIES) for _ in range(wishes.runs)]
        used = [one for run in runs for one in run]
    raw = {"files": files, "large": LARGE, "runs": [asdict(one) for one in used]}
    return Report(benchmark="budget", tables=(_table(files, used, wishes),), raw=raw)


def _table(files: int, used: Sequence[Used], wishes: Wishes) -> Table:
    return Table(
        heading=f"{files} small files and {LARGE} of 30 GB, by latency",
        columns=(
            "latency",
            "calls",
            "seconds",
            "least seconds",
            "budget used",
            "without the ends",
            "429s",
            "violations",
        ),
        rows=tuple(
            (
                f"{one.latency * 1000:g} ms",
                f"{one.calls:,}",
                f"{one.seconds:.1f}",
                f"{one.least_seconds:.1f}",
                f"{one.share:.1%}",
                "" if one.steady is None else f"{one.steady:.1%}",
                f"{one.throttled / one.calls:.2%}",
                str(one.wrong),
            )
            for one in sorted(used, key=lambda one: one.latency)
        ),
        remarks=(
            f"Ten calls a second, in windows of {wishes.window_seconds:g} s; S3 copies 5 GiB in {COPY_SECONDS:g} s.",
            "Above 300 ms three calls in flight are what bounds it: so the least seconds say, and so does `status`.",
        ),
    )


def in_longest_windows(found: Sequence[Any]) -> list[Mapping[str, Any]]:
    """Of kept results the runs in the longest windows: the service's own are of a minute."""
    longest = max((raw["windowSeconds"] for raw in found), default=0)
    return [one for raw in found if raw["windowSeconds"] == longest for one in raw["runs"]]


def used_percent(one: Mapping[str, Any]) -> float:
    """How much of its budget a run used, ends included."""
    return float(100 * one["least_seconds"] / one["seconds"])


def throttled_percent(one: Mapping[str, Any]) -> float:
    """How many of all its calls were refused."""
    return float(100 * one["throttled"] / one["calls"])


def budget_table(runs: Sequence[Mapping[str, Any]]) -> Table:
    """Kept runs by latency: medians, and the span of all runs in brackets."""
    return Table(
        heading="Budget used",
        columns=("latency", "runs", "calls", "used, ends included", "without the ends", "429s", "violations"),
        rows=tuple(
            _kept_row(at, [one for one in runs if one["latency"] == at])
            for at in sorted({one["latency"] for one in runs})
        ),
    )


def _kept_row(latency: float, runs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    used = [used_percent(one) for one in runs]
    # it is of what the throttle allows, which calls in flight do not reach at longer latencies
    steady = [100 * one["steady"] for one in runs if one["steady"] is not None and latency < IN_FLIGHT_BOUNDS_FROM]
    return (
        f"{latency * 1000:g} ms",
        str(len(runs)),
        f"{median(one['calls'] for one in runs):,.0f}",
        f"{median(used):.1f} % ({min(used):.1f} to {max(used):.1f})",
        f"{median(steady):.1f} %" if steady else "",
        f"{max(throttled_percent(one) for one in runs):.2f} %",
        f"{sum(one['wrong'] for one in runs):.0f}",
    )


def _measured(wishes: Wishes, files: int, latency: float) -> Used:
    question = Question.asked(wishes, "latest")
    window = Window(calls=question.calls_per_window, seconds=question.window_seconds)
    options = SandboxOptions(latency_seconds=latency)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, running_sandbox(options) as sandbox:
        sandbox.facts = mixed_sizes(sandbox.world, files, large=LARGE)
        sandbox.app.throttle.limits.frequency = window
        sandbox.world.objects.copy_bytes_per_second = 5 * 2**30 / COPY_SECONDS
        traffic = sandbox.app.traffic = TimedTraffic()
        before = snapshot_of(sandbox)
        subprocess.run(
            US.command(question, sandbox),
            cwd=folder,
            env=environment(question, sandbox, Path(folder)),
            capture_output=True,
            check=True,
        )
        return Used(
            latency=latency,
            calls=len(traffic.came),
            throttled=traffic.by_status[429],
            seconds=traffic.ended_at - traffic.came[0],
            least_seconds=least_seconds(len(traffic.came), latency=latency, window=window),
            steady=steady_share(traffic.came, window),
            wrong=len(files_judge("latest")(before, snapshot_of(sandbox), sandbox.facts)),
        )


BUDGET = Benchmark(
    name="budget",
    purpose="How much of the calls that Synapse allows a migration uses while it has work, at several latencies.",
    run=_run,
)
