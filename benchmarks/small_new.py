"""Many small files, a new version each."""

from benchmarks.contest import Contest, hold
from benchmarks.contestants import MODELS, MODELS_EMPTIED, US, UTILS, Question
from benchmarks.end_state import files_judge
from benchmarks.registry import Benchmark, Report, Wishes
from benchmarks.telling import report_of
from benchmarks.worlds import small_files


def _run(wishes: Wishes) -> Report:
    files = wishes.items(usual=200, quick=30)
    contest = Contest(
        question=Question.asked(wishes, "new"),
        fill=small_files,
        judge=files_judge("new"),
        items=files,
        item="file",
        latency_seconds=0.05,
        quiet_seconds=45 + wishes.window_seconds,
    )
    return report_of("small-new", contest, hold(contest, [US, UTILS, MODELS_EMPTIED, MODELS], runs=wishes.runs))


SMALL_NEW = Benchmark(
    name="small-new",
    purpose="Small files under the throttle, strategy new: index, copy, a new version each, to the verified end.",
    run=_run,
)
