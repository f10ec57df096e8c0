"""A table whose cells have a file each, copied with AWS keys of one's own."""

from benchmarks.cells_distinct import cells_contest
from benchmarks.contest import hold
from benchmarks.contestants import OURS, UTILS, Contestant
from benchmarks.registry import Benchmark, Report, Wishes
from benchmarks.telling import report_of

US_WITH_OWN_KEYS = Contestant(name=OURS, options=("--engine", "s3"))


def _run(wishes: Wishes) -> Report:
    rows = wishes.items(usual=600, quick=20)
    contest = cells_contest(wishes, rows=rows, handles=rows)
    return report_of("own-keys-cells", contest, hold(contest, [US_WITH_OWN_KEYS, UTILS], runs=wishes.runs))


OWN_KEYS_CELLS = Benchmark(
    name="own-keys-cells",
    purpose="A table with a file of its own in every row, our copies with AWS keys of one's own.",
    run=_run,
)
