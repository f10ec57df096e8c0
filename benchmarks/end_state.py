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


def everything_judge(strategy: str) -> Judge:
    """Looks at file versions and at every cell, by the same rules; a table that was frozen must be so as it was."""

    def judge(before: State, after: State, facts: ScenarioFacts) -> list[str]:
        expectation = import_module("tests.migration.expectation").Expectation
        found: list[str] = expectation(
            before,
            facts.root_id,
            facts.destination_id,
            strategy,
            unreadable=set(),
            file_columns=_file_columns(before),
            is_frozen=any(after["tables"][one]["snapshots"] for one in before["tables"]),
        ).violations(_without_answers(before, after, facts))
        return found

    return judge


def _file_columns(state: State) -> frozenset[str]:
    """Columns in which a handle stands; that of labels holds words only."""
    rows = [row for table in state["tables"].values() for row in table["rows"].values()]
    return frozenset(column for row in rows for column, value in row["cells"].items() if value in state["handles"])


def _without_answers(before: State, after: State, facts: ScenarioFacts) -> State:
    """The state without the CSV files that Synapse has answered table queries with: handles and objects of its own."""
    kept = {
        one: handle
        for one, handle in after["handles"].items()
        if one in before["handles"] or handle.get("storageLocationId") == facts.destination_id
    }
    answers = [handle for one, handle in after["handles"].items() if one not in kept]
    objects = {bucket: dict(keys) for bucket, keys in after["objects"].items()}
    for answer in answers:
        objects[answer["bucketName"]].pop(answer["key"], None)
    return {**after, "handles": kept, "objects": objects}


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
