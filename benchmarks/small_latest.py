"""Many small files, their current version in place."""

from benchmarks.contest import Contest, hold
from benchmarks.contestants import MODELS, US, UTILS, Question
from benchmarks.end_state import files_judge
from benchmarks.registry import Benchmark, Report, Wishes
from benchmarks.telling import report_of
from benchmarks.worlds import small_files


def _run(wishes: Wishes) -> Report:
    files = wishes.items(usual=200, quick=30)
    contest = Contest(
        question=Question.asked(wishes, "latest"),
        fill=small_files,
        judge=files_judge("latest"),
        items=files,
        item="file",
        latency_seconds=0.05,
        quiet_seconds=45 + wishes.window_seconds,
    )
    return report_of("small-latest", contest, hold(contest, [US, UTILS, MODELS], runs=wishes.runs))


SMALL_LATEST = Benchmark(
    name="small-latest",
    purpose="Small files under the throttle, strategy latest: the current version is changed in place.",
    run=_run,
)
