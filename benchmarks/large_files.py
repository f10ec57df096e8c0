"""Files of 30 GB, copied inside S3 at a realistic speed, in shortened time."""

from benchmarks.contest import LATENCY_SECONDS, Contest, hold
from benchmarks.contestants import US, US_THROUGH_A_VIEW, US_WITH_KEYS, UTILS, Question
from benchmarks.end_state import files_judge
from benchmarks.registry import Benchmark, Report, Wishes
from benchmarks.telling import report_of
from benchmarks.worlds import large_files

GIGABYTES = 30
STREAM_BYTES_PER_SECOND = 100e6
TIMES_FASTER = 4.0
"""Everything the sandbox does is this much faster: copying, answering, counting calls. What either side adds by itself
(starting, computing, waiting between tries) is not, so ratios are a little too small rather than too large."""


def _run(wishes: Wishes) -> Report:
    files = wishes.items(usual=20, quick=2)
    pace = wishes.pace(usual=TIMES_FASTER)
    contest = Contest(
        question=Question.asked(wishes, "latest", pace=pace),
        fill=lambda world, items: large_files(world, items, gigabytes=GIGABYTES),
        judge=files_judge("latest"),
        items=files,
        item="file",
        latency_seconds=LATENCY_SECONDS / pace,
        copy_bytes_per_second=STREAM_BYTES_PER_SECOND * pace,
        quiet_seconds=90,
    )
    # not with `models`: it downloads every file while it indexes, 600 GB of them
    return report_of("large-files", contest, hold(contest, [US, US_THROUGH_A_VIEW, US_WITH_KEYS, UTILS], wishes))


LARGE_FILES = Benchmark(
    name="large-files",
    purpose="Files of 30 GB at 100 MB/s per copied part, four times faster than real, strategy latest.",
    run=_run,
)
