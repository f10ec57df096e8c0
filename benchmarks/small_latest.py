"""Many small files, their current version in place."""

from benchmarks.contest import hold
from benchmarks.contestants import MODELS, US, US_THROUGH_A_VIEW, US_THROUGH_A_VIEW_WITH_KEYS, UTILS
from benchmarks.registry import Benchmark, Report, Wishes
from benchmarks.small_new import small_contest
from benchmarks.telling import report_of

_CONTESTANTS = (US, US_THROUGH_A_VIEW, US_THROUGH_A_VIEW_WITH_KEYS, UTILS, MODELS)


def _run(wishes: Wishes) -> Report:
    contest = small_contest(wishes, "latest")
    return report_of("small-latest", contest, hold(contest, _CONTESTANTS, wishes))


SMALL_LATEST = Benchmark(
    name="small-latest",
    purpose="Small files under the throttle, strategy latest: the current version is changed in place.",
    run=_run,
)
