"""Small files, copied with AWS keys of one's own, indexed through a file view; strategy latest."""

from benchmarks.contest import Contest, hold
from benchmarks.contestants import OURS, UTILS, Contestant, Question
from benchmarks.end_state import files_judge
from benchmarks.registry import Benchmark, Report, Wishes
from benchmarks.telling import report_of
from benchmarks.worlds import small_files

US_WITH_OWN_KEYS = Contestant(name=OURS, options=("--engine", "s3", "--index-via", "view"))


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
    return report_of("own-keys-latest-view", contest, hold(contest, [US_WITH_OWN_KEYS, UTILS], runs=wishes.runs))


OWN_KEYS_LATEST_VIEW = Benchmark(
    name="own-keys-latest-view",
    purpose="Small files in place, our copies with AWS keys of one's own, our index through a file view.",
    run=_run,
)
