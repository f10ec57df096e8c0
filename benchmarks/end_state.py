"""Is the end state right? Worked out from the sandbox's state, without any code of either side."""

from collections import Counter
from collections.abc import Callable
from importlib import import_module
from typing import Any

from sandbox.scenarios.facts import ScenarioFacts

State = dict[str, Any]
Judge = Callable[[State, State, ScenarioFacts], list[str]]
"""Gets the states before and after, and gives everything that is not as it must be."""


def files_judge(strategy: str) -> Judge:
    """Looks at file versions, with the rules that the migration tests use for us."""

    def judge(before: State, after: State, facts: ScenarioFacts) -> list[str]:
        # by name: the tests are checked less strictly than we are
        expectation = import_module("tests.migration.expectation").Expectation
        expected = expectation(before, facts.root_id, facts.destination_id, strategy, unreadable=set())
        found: list[str] = expected.violations(after)
        return found

    return judge


def judge_cells(before: State, after: State, facts: ScenarioFacts) -> list[str]:
    """Looks at every cell: files refer to the one copy of what they referred to, all others are as they were."""
    wrong: list[str] = []
    copies: dict[str, str] = {}
    for table_id, table in before["tables"].items():
        rows = after["tables"][table_id]["rows"]
        if rows.keys() != table["rows"].keys():
            wrong.append(f"{table_id}: other rows than before")
        for row_id, row in table["rows"].items():
            for column, value in row["cells"].items():
                place = f"{table_id} row {row_id} column {column}"
                now = rows.get(row_id, {"cells": {}})["cells"].get(column)
                if value not in before["handles"]:
                    wrong += [] if now == value else [f"{place} changed"]
                else:
                    wrong += _copy(place, value, now, before, after, facts, copies)
    # handles elsewhere are Synapse's own: the CSV files it answers table queries with
    fresh = {
        one
        for one in after["handles"].keys() - before["handles"].keys()
        if after["handles"][one].get("storageLocationId") == facts.destination_id
    }
    orphans = fresh - set(copies.values())
    made = _objects(after, facts) - _objects(before, facts)
    wrong += [f"handle {one} is an orphan" for one in sorted(orphans)]
    wrong += [] if made.total() == len(copies) else [f"{made.total()} objects were made for {len(copies)} copies"]
    return wrong


def _copy(
    place: str,
    source: str,
    found: str | None,
    before: State,
    after: State,
    facts: ScenarioFacts,
    copies: dict[str, str],
) -> list[str]:
    if found == source:
        return [f"{place} still refers to its old handle"]
    new = after["handles"].get(found)
    if found is None or new is None:
        return [f"{place} refers to nothing"]
    wrong = [] if copies.setdefault(source, found) == found else [f"{place}: handle {source} was copied more than once"]
    old = before["handles"][source]
    stored = after["objects"].get(new["bucketName"], {}).get(new["key"], {})
    if new.get("storageLocationId") != facts.destination_id:
        wrong.append(f"{place}: the copy is in location {new.get('storageLocationId')}")
    if (stored.get("size"), stored.get("md5")) != (old["contentSize"], old["contentMd5"]):
        wrong.append(f"{place}: the object's bytes are not the source's")
    return wrong


def _objects(state: State, facts: ScenarioFacts) -> Counter[str]:
    return Counter(state["objects"][facts.destination_bucket].keys())
