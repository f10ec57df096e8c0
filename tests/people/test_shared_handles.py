"""Two files share a handle, and somebody takes one of them away: the other one is migrated all the same."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from storage_core.index.opening import open_index
from storage_core.model.items import ReasonClass
from tests.people.meddling import Meddler, Meeting, meet, told_of

Start = Callable[..., Sandbox]


@pytest.mark.parametrize("which", ["first", "second"])
def test_the_other_file_is_migrated(which: str, start_sandbox: Start, tmp_path: Path) -> None:
    meeting = meet(start_sandbox(), tmp_path)
    index = tmp_path / "m.duckdb"
    taken = meeting.facts.landmarks[which]
    other = meeting.facts.landmarks["second" if which == "first" else "first"]

    def delete(meeting: Meeting) -> None:
        meeting.ask("DELETE", f"/repo/v1/entity/{taken}")

    meeting.migrate("latest", index, Meddler(meeting, delete, "copy-files"))
    with open_index(index, None, create=False) as ledger:
        ledger.retry(frozenset(ReasonClass))
    meeting.migrate("latest", index)

    assert ["MIGRATED"] == [told.status for told in told_of(index, other)]
