"""Many small files, indexed through a file view; strategy latest."""

from benchmarks.contest import Contest, hold
from benchmarks.contestants import MODELS, OURS, UTILS, Contestant, Question
from benchmarks.end_state import files_judge
from benchmarks.registry import Benchmark, Report, Wishes
from benchmarks.telling import report_of
from benchmarks.worlds import small_files

US_THROUGH_A_VIEW = Contestant(name=OURS, options=("--index-via", "view"))


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
    return report_of("small-latest-view", contest, hold(contest, [US_THROUGH_A_VIEW, UTILS, MODELS], runs=wishes.runs))


SMALL_LATEST_VIEW = Benchmark(
    name="small-latest-view",
    purpose="Small files under the throttle, strategy latest, our index through a file view.",
    run=_run,
)
