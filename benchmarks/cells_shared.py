"""A table whose cells share few files."""

from benchmarks.cells_distinct import cells_contest
from benchmarks.contest import hold
from benchmarks.contestants import MODELS, US, US_WITH_KEYS, UTILS
from benchmarks.registry import Benchmark, Report, Wishes
from benchmarks.telling import report_of

CELLS_PER_HANDLE = 100


def _run(wishes: Wishes) -> Report:
    rows = wishes.items(usual=300, quick=100)
    contest = cells_contest(wishes, rows=rows, handles=max(1, rows // CELLS_PER_HANDLE))
    return report_of("cells-shared", contest, hold(contest, [US, US_WITH_KEYS, UTILS, MODELS], wishes))


CELLS_SHARED = Benchmark(
    name="cells-shared",
    purpose="A table whose cells share each file a hundredfold, under the throttle: each file is copied once.",
    run=_run,
)
