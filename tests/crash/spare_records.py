"""What the engine `s3` may leave after a kill: a second record of an object in use, which the journal tells of.

Telling Synapse of an object makes a record each time (contract 7.6), and nobody can be asked for records. Whoever dies
between the request and its answer asks again; docs/engines.md says so. Anything else without a use is an orphan.
"""

from pathlib import Path
from typing import Any

import duckdb

from tests.migration.expectation import Expectation

Place = tuple[str, str]
"""Bucket and key."""

_REGISTERED_AGAIN = "select count(*) from events_v1 where event = 'registered again'"


def spare_records(expected: Expectation, state: Any) -> dict[str, Place]:
    """New handles that nothing refers to, each with its object, which a handle in use refers to as well."""
    before = expected.before["handles"]
    new = {one: (handle["bucketName"], handle["key"]) for one, handle in state["handles"].items() if one not in before}
    used = {version["handleId"] for entity in state["entities"].values() for version in entity["versions"]}
    tables = state["tables"].values()
    used |= {cell for table in tables for row in table["rows"].values() for cell in row["cells"].values()}
    in_use = {place for one, place in new.items() if one in used}
    return {one: place for one, place in new.items() if one not in used and place in in_use}


def without_spare_records(wrong: list[str], expected: Expectation, state: Any, index: Path) -> list[str]:
    """What is wrong besides spare records, and that more copies have some than the journal in *index* tells of."""
    spare = spare_records(expected, state)
    excused = {f"handle {one} is an orphan" for one in spare}
    with duckdb.connect(str(index), read_only=True) as connection:
        ((told,),) = connection.execute(_REGISTERED_AGAIN).fetchall()
    copies = len(set(spare.values()))
    untold = [f"{copies} copies have spare records, and the journal tells of {told}"] if copies > told else []
    return [one for one in wrong if one not in excused] + untold
