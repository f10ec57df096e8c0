"""A table whose cells have a file each."""

from benchmarks.contest import LATENCY_SECONDS, Contest, hold
from benchmarks.contestants import MODELS, US, US_WITH_KEYS, UTILS, Question
from benchmarks.end_state import judge_cells
from benchmarks.registry import Benchmark, Report, Wishes
from benchmarks.telling import report_of
from benchmarks.worlds import cells

MOST_SECONDS = 7200.0
"""The client needs more than an hour for 5,000 cells with a file each."""


def cells_contest(wishes: Wishes, *, rows: int, handles: int) -> Contest:
    """A table of *rows* cells that use *handles* files in turn."""
    return Contest(
        question=Question.asked(wishes, "skip", tables=True, pace=wishes.pace()),
        fill=lambda world, items: cells(world, items, handles=handles),
        judge=judge_cells,
        items=rows,
        item="cell",
        latency_seconds=LATENCY_SECONDS / wishes.pace(),
        quiet_seconds=45 + wishes.window_seconds,
        most_seconds=MOST_SECONDS,
    )


def _run(wishes: Wishes) -> Report:
    rows = wishes.items(usual=150, quick=20)
    contest = cells_contest(wishes, rows=rows, handles=rows)
    return report_of("cells-distinct", contest, hold(contest, [US, US_WITH_KEYS, UTILS, MODELS], wishes))


CELLS_DISTINCT = Benchmark(
    name="cells-distinct",
    purpose="A table with a file of its own in every row, under the throttle: all cells refer to copies in the end.",
    run=_run,
)
