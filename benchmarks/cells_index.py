"""Indexing a table whose cells have a file each, and nothing more."""

from dataclasses import replace

from benchmarks.cells_distinct import cells_contest
from benchmarks.contest import hold
from benchmarks.contestants import MODELS, OURS, UTILS, Contestant
from benchmarks.end_state import State
from benchmarks.registry import Benchmark, Report, Wishes
from benchmarks.telling import report_of
from sandbox.scenarios.facts import ScenarioFacts

_CONTESTANTS = (
    Contestant(name=OURS, only_indexes=True),
    replace(UTILS, only_indexes=True),
    replace(MODELS, only_indexes=True),
)


def _run(wishes: Wishes) -> Report:
    rows = wishes.items(usual=600, quick=20)
    contest = replace(cells_contest(wishes, rows=rows, handles=rows), judge=_no_cell_changed)
    return report_of("cells-index", contest, hold(contest, _CONTESTANTS, wishes))


def _no_cell_changed(before: State, after: State, facts: ScenarioFacts) -> list[str]:
    """Rows and objects of the destination are as they were; a table may have been frozen, and answers be kept."""
    now = after["tables"]
    bucket = facts.destination_bucket
    wrong = [f"{one} changed" for one, table in before["tables"].items() if now[one]["rows"] != table["rows"]]
    return wrong + ["objects were made"] * (after["objects"][bucket] != before["objects"][bucket])


CELLS_INDEX = Benchmark(
    name="cells-index",
    purpose="Indexing a table with a file of its own in every row, under the throttle.",
    run=_run,
)
