"""Files with histories, all versions in place."""

from benchmarks.contest import LATENCY_SECONDS, Contest, hold
from benchmarks.contestants import MODELS, US, US_WITH_KEYS, UTILS, Question
from benchmarks.end_state import files_judge
from benchmarks.registry import Benchmark, Report, Wishes
from benchmarks.telling import report_of
from benchmarks.worlds import histories

VERSIONS_PER_FILE = 3


def _run(wishes: Wishes) -> Report:
    files = wishes.items(usual=60, quick=12)
    contest = Contest(
        question=Question.asked(wishes, "all", pace=wishes.pace()),
        fill=lambda world, items: histories(world, -(-items // VERSIONS_PER_FILE), versions=VERSIONS_PER_FILE),
        judge=files_judge("all"),
        items=files * VERSIONS_PER_FILE,
        item="version",
        latency_seconds=LATENCY_SECONDS / wishes.pace(),
        quiet_seconds=45 + wishes.window_seconds,
    )
    return report_of("versions", contest, hold(contest, [US, US_WITH_KEYS, UTILS, MODELS], wishes))


VERSIONS = Benchmark(
    name="versions",
    purpose="Files of three versions under the throttle, strategy all: every version is changed in place.",
    run=_run,
)
