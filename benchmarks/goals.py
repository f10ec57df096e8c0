"""What is wanted, and what the kept results say about it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.budget import in_longest_windows, throttled_percent, used_percent
from benchmarks.contestants import CALLS_PER_SECOND, US, US_THROUGH_A_VIEW, US_THROUGH_A_VIEW_WITH_KEYS, US_WITH_KEYS
from benchmarks.kept import Held, Kept, Run, Side
from benchmarks.registry import Table
from benchmarks.scale import latest_sizes

FILES, CELLS, LARGE = 1_000, 5_000, 20
VERSIONS, MIXED = 300, 500
ROWS = 1_000_000
MANY = 5_000_000
MACHINES = (2, 4)
_ENOUGH_RUNS = 3
_WHOLE = 200
_PERCENT = " %"
_BOUND_BY_CALLS_TO = 0.25
"""Seconds of latency. Above 0.3 three calls in flight are what bounds the budget."""

Figure = Callable[[Kept], "Found | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A figure, how many runs its medians are of (the fewer of both sides), and what calls alone would make of it.

    *throttled* is how many of our own calls were refused by the throttle, in percent; of several runs the most.
    *is_least*: nobody has waited for the end of the other side, so it is at least so much.
    """

    value: float
    runs: int
    by_calls: str = ""
    throttled: float | None = None
    is_least: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One thing that is wanted: at most, or at least, so much. *unit* is told behind the figures."""

    work: str
    wanted: float
    unit: str = " times"
    is_most: bool = False
    figure: Figure

    def is_met(self, found: Found) -> bool:
        """Whether the figure is as good as was wanted; not rounded in our favour."""
        return found.value <= self.wanted if self.is_most else found.value >= self.wanted


def goals_table(kept: Kept) -> Table:
    """Every goal with what was measured."""
    return Table(
        heading="Goals",
        columns=("work", "goal", "measured", "medians of", "", "ratio of calls", "our 429s"),
        rows=tuple(_row(goal, goal.figure(kept)) for goal in GOALS),
    )


def _row(goal: Goal, found: Found | None) -> tuple[str, ...]:
    wanted = f"{'≤' if goal.is_most else '≥'} {_told(goal.wanted, goal.unit)}"
    if found is None:
        return (goal.work, wanted, "", "", "no result kept", "", "")
    verdict = "met" if goal.is_met(found) else f"missed: {found.value / goal.wanted:.0%} of the goal"
    runs = f"{found.runs}" if found.runs >= _ENOUGH_RUNS else f"{found.runs} run{'s' * (found.runs > 1)} only"
    if found.is_least and not goal.is_met(found):
        verdict = "open: the client was ended before it was done"
    refused = "" if found.throttled is None else f"{found.throttled:.2f} %"
    return (
        goal.work,
        wanted,
        f"{'≥ ' * found.is_least}{_told(found.value, goal.unit)}",
        runs,
        verdict,
        found.by_calls,
        refused,
    )


def _told(value: float, unit: str) -> str:
    if unit == _PERCENT:
        return f"{value:.4g}{unit}"
    return f"{value:,.0f}{unit}" if value >= _WHOLE else f"{value:.4g}{unit}"


def _calls(benchmark: str, items: int, ours: str) -> Figure:
    def figure(kept: Kept) -> Found | None:
        held = kept.contest(benchmark, items)
        side = held.side(ours) if held else None
        if side is None or not side.is_right:
            return None
        return Found(value=side.calls / items, runs=len(side.runs), throttled=_throttled(side))

    return figure


def _times(benchmark: str, items: int, ours: str, seconds: Callable[[Run], float] | None = None) -> Figure:
    """How many times as long the faster right implementation of the client takes."""
    measure = seconds or (lambda run: run.wall_seconds)

    def figure(kept: Kept) -> Found | None:
        held = kept.contest(benchmark, items)
        side = held.side(ours) if held else None
        if held is None or side is None or not side.is_right or not held.rivals:
            return None
        rival = min(held.rivals, key=lambda one: _median(one, measure))
        return Found(
            value=_median(rival, measure) / _median(side, measure),
            runs=min(len(rival.runs), len(side.runs)),
            by_calls="" if seconds or rival.is_unfinished else _by_calls(held, rival, side),
            is_least=rival.is_unfinished,
            throttled=_throttled(side),
        )

    return figure


def _throttled(side: Side) -> float:
    return max(100 * run.throttled / (run.calls + run.throttled) for run in side.runs)


def _by_calls(held: Held, rival: Side, ours: Side) -> str:
    """Where calls are what is scarce: both at ten calls a second, nothing lost."""
    if held.circumstances.copy_bytes_per_second is not None:
        return ""
    return f"{rival.calls / ours.calls:.2f}"


def _median(side: Side, measure: Callable[[Run], float]) -> float:
    return median(measure(run) for run in side.runs)


def _selection(kept: Kept) -> Found | None:
    found = [raw for raw in kept.other("selection") if raw["rows"] >= ROWS]
    if not found:
        return None
    claims = [seconds / works for raw in found for seconds, works in raw["ourClaims"]]
    queries = [seconds for raw in found for seconds in raw["theirQueries"]["seconds"]]
    return Found(value=median(queries) / median(claims), runs=min(len(claims), len(queries)))


def _view(kept: Kept) -> Found | None:
    """As many files one by one are computed from the calls of fewer: nobody waits hours for what the throttle says."""
    through = kept.contest("index-view", 100_000)
    single = next(
        (one for one in kept.contests if one.circumstances.benchmark == "index-view" and one.side("file by file")), None
    )
    ours = through.side(US.name) if through else None
    theirs = single.side("file by file") if single else None
    if through is None or single is None or ours is None or theirs is None:
        return None
    computed = theirs.calls / single.circumstances.items * through.circumstances.items / CALLS_PER_SECOND
    return Found(
        value=computed / ours.seconds,
        runs=min(len(ours.runs), len(theirs.runs)),
        by_calls=f"{theirs.calls / single.circumstances.items / (ours.calls / through.circumstances.items):.2f}",
        throttled=_throttled(ours),
    )


def _budget(
    kept: Kept, worst: Callable[[Sequence[float]], float], figure: Callable[[Mapping[str, Any]], float]
) -> Found | None:
    """The worst latency's median."""
    found = [
        one
        for one in in_longest_windows(kept.other("budget"))
        if one["latency"] <= _BOUND_BY_CALLS_TO and not one["wrong"]
    ]
    if not found:
        return None
    latencies = {one["latency"] for one in found}
    return Found(
        value=worst([median(figure(one) for one in found if one["latency"] == at) for at in latencies]),
        runs=min(sum(one["latency"] == at for one in found) for at in latencies),
        throttled=max(throttled_percent(one) for one in found),
    )


def _scale(rows: int, figure: Callable[[dict[str, float]], float]) -> Figure:
    def found(kept: Kept) -> Found | None:
        fitting = [one for raw in kept.other("scale") for one in raw["sizes"] if one["rows"] == rows]
        return Found(value=median(map(figure, fitting)), runs=len(fitting)) if fitting else None

    return found


def _shards(kept: Kept) -> Found | None:
    """How much of a machine's own speed each of several adds, by the clock, starts and ends included; the worst."""
    runs = [{one["machines"]: one["seconds"] for one in raw["machines"]} for raw in kept.other("shards")]
    whole = [run for run in runs if {1, *MACHINES} <= run.keys()]
    if not whole:
        return None
    shares = [median(run[1] / run[machines] / machines for run in whole) for machines in MACHINES]
    return Found(value=min(shares), runs=len(whole))


def _growth(kept: Kept) -> Found | None:
    """CPU to index one of so many files, to that of a fiftieth: other work of the machine must not count as growth."""
    cpu = {one["rows"]: one["fillCpu"] / one["rows"] for one in latest_sizes(kept.other("scale"))}
    if not {MANY, MANY // 50} <= cpu.keys():
        return None
    return Found(value=cpu[MANY] / cpu[MANY // 50], runs=1)


def _indexing(run: Run) -> float:
    return run.seconds_indexing


def _repointing(run: Run) -> float:
    return run.seconds_after_copies


_VIEW, _BOTH, _KEYS = US_THROUGH_A_VIEW.name, US_THROUGH_A_VIEW_WITH_KEYS.name, US_WITH_KEYS.name

GOALS: tuple[Goal, ...] = (
    *(
        Goal(work=f"calls per small file, `{strategy}`, {told}", wanted=most, is_most=True, unit="", figure=figure)
        for strategy, each in (("latest", (6.05, 5.1, 2.1)), ("new", (6.1, 5.15, 2.15)))
        for most, told, figure in (
            (each[0], "index by bundles", _calls(f"small-{strategy}", FILES, US.name)),
            (each[1], "index through a view", _calls(f"small-{strategy}", FILES, _VIEW)),
            (each[2], "through a view, engine `s3`", _calls(f"small-{strategy}", FILES, _BOTH)),
        )
    ),
    Goal(work="1,000 small files, `new`, view", wanted=1.5, figure=_times("small-new", FILES, _VIEW)),
    Goal(work="1,000 small files, `new`, view, engine `s3`", wanted=3.5, figure=_times("small-new", FILES, _BOTH)),
    Goal(work="1,000 small files, `latest`, view", wanted=1.15, figure=_times("small-latest", FILES, _VIEW)),
    Goal(
        work="1,000 small files, `latest`, view, engine `s3`", wanted=2.7, figure=_times("small-latest", FILES, _BOTH)
    ),
    Goal(work="5,000 cells, a file each", wanted=1.9, figure=_times("cells-distinct", CELLS, US.name)),
    Goal(work="5,000 cells, a file each, engine `s3`", wanted=7, figure=_times("cells-distinct", CELLS, _KEYS)),
    Goal(
        work="indexing 5,000 cells with a file each, alone",
        wanted=80,
        figure=lambda kept: (
            _times("cells-index", CELLS, US.name, _indexing)(kept)
            or _times("cells-distinct", CELLS, US.name, _indexing)(kept)
        ),
    ),
    Goal(
        work="repointing 5,000 cells alone",
        wanted=100,
        figure=_times("cells-shared", CELLS, US.name, _repointing),
    ),
    Goal(work="5,000 cells that share 50 files", wanted=50, figure=_times("cells-shared", CELLS, US.name)),
    Goal(work="20 files of 30 GB", wanted=15, figure=_times("large-files", LARGE, US.name)),
    Goal(work="20 files of 30 GB, engine `s3`", wanted=15, figure=_times("large-files", LARGE, _KEYS)),
    Goal(
        work="calls per file of 30 GB", wanted=20, is_most=True, unit="", figure=_calls("large-files", LARGE, US.name)
    ),
    Goal(work="choosing the next work at 1,000,000 rows, per item", wanted=1_000, figure=_selection),
    Goal(work="indexing 100,000 files through a view; one by one computed from its calls", wanted=50, figure=_view),
    Goal(
        work="budget used, 20 to 250 ms", wanted=97, unit=_PERCENT, figure=lambda kept: _budget(kept, min, used_percent)
    ),
    Goal(
        work="throttled answers, 20 to 250 ms",
        wanted=0.5,
        unit=_PERCENT,
        is_most=True,
        figure=lambda kept: _budget(kept, max, throttled_percent),
    ),
    Goal(work="two to four machines, each of its own speed", wanted=0.9, unit="", figure=_shards),
    *(
        Goal(work=work, wanted=most, unit=unit, is_most=True, figure=_scale(rows, figure))
        for work, most, unit, rows, figure in (
            ("index of 5,000,000 files, each", 400, " bytes", MANY, lambda one: one["bytes"] / one["rows"]),
            ("memory with 5,000,000 files, from index to report", 1024, " MiB", MANY, lambda one: one["peakAll"]),
            ("plan of 1,000,000 files", 30, " s", ROWS, lambda one: one["plan"]),
            ("from restart to the first copy with 1,000,000 files", 10, " s", ROWS, lambda one: one["resume"]),
        )
    ),
    Goal(
        work="CPU to index one of 5,000,000 files, to that of one of 100,000",
        wanted=1.25,
        is_most=True,
        figure=_growth,
    ),
)
