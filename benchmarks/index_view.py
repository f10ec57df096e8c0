"""Indexing many files: through a file view, and one by one."""

from benchmarks.contest import LATENCY_SECONDS, Contest, hold
from benchmarks.contestants import OURS, Contestant, Question
from benchmarks.end_state import State
from benchmarks.registry import Benchmark, Report, Wishes
from benchmarks.telling import report_of
from sandbox.scenarios.facts import ScenarioFacts
from sandbox.scenarios.many import build_flat
from sandbox.synapse.world import World

_THROUGH_A_VIEW = Contestant(name=OURS, only_indexes=True, options=("--index-via", "view"))
_ONE_BY_ONE = Contestant(name="file by file", only_indexes=True, options=("--index-via", "bundle"))


def _run(wishes: Wishes) -> Report:
    files = wishes.items(usual=20_000, quick=300)
    contest = Contest(
        question=Question.asked(wishes, "latest", pace=wishes.pace()),
        fill=_many_files,
        judge=_nothing_changed,
        items=files,
        item="file",
        latency_seconds=LATENCY_SECONDS / wishes.pace(),
        quiet_seconds=45 + wishes.window_seconds,
    )
    return report_of("index-view", contest, hold(contest, [_THROUGH_A_VIEW, _ONE_BY_ONE], wishes))


def _many_files(world: World, files: int) -> ScenarioFacts:
    return build_flat(world, size=files, seed=0)


def _nothing_changed(before: State, after: State, facts: ScenarioFacts) -> list[str]:
    del facts
    return [f"{part} changed" for part in before if before[part] != after[part]]


INDEX_VIEW = Benchmark(
    name="index-view",
    purpose="Indexing many files under the throttle: through a temporary file view against file by file.",
    run=_run,
)
