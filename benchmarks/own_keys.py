"""Small files and table cells, copied with AWS keys of one's own."""

from benchmarks.cells_distinct import cells_contest
from benchmarks.contest import Contest, hold
from benchmarks.contestants import OURS, UTILS, Contestant, Question
from benchmarks.end_state import files_judge
from benchmarks.registry import Benchmark, Report, Wishes
from benchmarks.telling import report_of
from benchmarks.worlds import small_files

WITH_KEYS = Contestant(name=OURS, options=("--engine", "s3"))
WITH_KEYS_AND_VIEW = Contestant(name=OURS, options=("--engine", "s3", "--index-via", "view"))
WITH_KEYS_VIEW_AND_NO_PROVENANCE = Contestant(
    name=OURS, options=("--engine", "s3", "--index-via", "view", "--no-provenance")
)


def _files(wishes: Wishes, strategy: str) -> Contest:
    return Contest(
        question=Question.asked(wishes, strategy),
        fill=small_files,
        judge=files_judge(strategy),
        items=wishes.items(usual=200, quick=30),
        item="file",
        latency_seconds=0.05,
        quiet_seconds=45 + wishes.window_seconds,
    )


def _latest(wishes: Wishes) -> Report:
    contest = _files(wishes, "latest")
    return report_of("own-keys-latest", contest, hold(contest, [WITH_KEYS, UTILS], runs=wishes.runs))


def _latest_view(wishes: Wishes) -> Report:
    contest = _files(wishes, "latest")
    return report_of("own-keys-latest-view", contest, hold(contest, [WITH_KEYS_AND_VIEW, UTILS], runs=wishes.runs))


def _new_view(wishes: Wishes) -> Report:
    contest = _files(wishes, "new")
    found = hold(contest, [WITH_KEYS_VIEW_AND_NO_PROVENANCE, UTILS], runs=wishes.runs)
    return report_of("own-keys-new-view", contest, found)


def _cells(wishes: Wishes) -> Report:
    rows = wishes.items(usual=600, quick=20)
    contest = cells_contest(wishes, rows=rows, handles=rows)
    return report_of("own-keys-cells", contest, hold(contest, [WITH_KEYS, UTILS], runs=wishes.runs))


OWN_KEYS: tuple[Benchmark, ...] = (
    Benchmark(
        name="own-keys-latest", purpose="Small files in place, our copies with AWS keys of one's own.", run=_latest
    ),
    Benchmark(
        name="own-keys-latest-view",
        purpose="Small files in place, our copies with AWS keys of one's own, our index through a file view.",
        run=_latest_view,
    ),
    Benchmark(
        name="own-keys-new-view",
        purpose="A new version for each small file, our copies with AWS keys of one's own, our index through a view.",
        run=_new_view,
    ),
    Benchmark(
        name="own-keys-cells",
        purpose="A table with a file of its own in every row, our copies with AWS keys of one's own.",
        run=_cells,
    ),
)
