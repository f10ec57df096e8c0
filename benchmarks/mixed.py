"""A project as they are: small files, histories, files of 30 GB, a table, handles used in several places."""

from benchmarks.contest import LATENCY_SECONDS, Contest, hold
from benchmarks.contestants import US, US_WITH_KEYS, UTILS, UTILS_TABLES_APART, Question
from benchmarks.end_state import everything_judge
from benchmarks.large_files import STREAM_BYTES_PER_SECOND
from benchmarks.registry import Benchmark, Report, Wishes
from benchmarks.telling import report_of
from benchmarks.worlds import SHARE_OF_EVERYTHING, everything


def _run(wishes: Wishes) -> Report:
    contest = Contest(
        question=Question.asked(wishes, "all", tables=True, pace=wishes.pace()),
        fill=everything,
        judge=everything_judge("all"),
        items=wishes.items(usual=500, quick=SHARE_OF_EVERYTHING),
        item="place",
        latency_seconds=LATENCY_SECONDS / wishes.pace(),
        copy_bytes_per_second=STREAM_BYTES_PER_SECOND * wishes.pace(),
        quiet_seconds=90,
    )
    # not with `models`: it downloads every file while it indexes, and gives old versions the newest handle
    return report_of("mixed", contest, hold(contest, [US, US_WITH_KEYS, UTILS, UTILS_TABLES_APART], wishes))


MIXED = Benchmark(
    name="mixed",
    purpose="Small files, histories, files of 30 GB, a table and shared handles in one project, strategy all.",
    run=_run,
)
