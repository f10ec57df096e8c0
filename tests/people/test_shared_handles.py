"""Two files share a handle, and somebody takes it away from one of them: the other one is migrated all the same."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from tests.people.meddling import Meddler, Meeting, meet, told_of

Start = Callable[..., Sandbox]


def delete(meeting: Meeting, entity_id: str) -> None:
    meeting.ask("DELETE", f"/repo/v1/entity/{entity_id}")


def replace(meeting: Meeting, entity_id: str) -> None:
    """By an upload of the same bytes: Synapse takes no others without a new version."""
    path = f"/repo/v1/entity/{entity_id}"
    version = meeting.ask("GET", path)
    handle_id = version["dataFileHandleId"]
    asked = {"originalFile": {"fileHandleId": handle_id, "associateObjectId": entity_id,
                              "associateObjectType": "FileEntity"}}  # fmt: skip
    answer = meeting.ask("POST", "/file/v1/filehandles/copy", {"copyRequests": [asked]})
    new = answer["copyResults"][0]["newFileHandle"]["id"]
    swap = {"oldFileHandleId": handle_id, "newFileHandleId": new}
    meeting.ask("PUT", f"{path}/version/{version['versionNumber']}/filehandle", swap)


@pytest.mark.parametrize("which", ["first", "second"])
@pytest.mark.parametrize(("act", "verdict"), [(delete, ("ERRORED", "GONE")), (replace, ("DRIFTED", "HANDLE_CHANGED"))])
def test_the_other_file_is_migrated(
    which: str, act: Callable[[Meeting, str], None], verdict: tuple[str, str], start_sandbox: Start, tmp_path: Path
) -> None:
    """In the same run: the handle is read in the name of the file that still has it."""
    meeting = meet(start_sandbox(), tmp_path)
    index = tmp_path / "m.duckdb"
    taken = meeting.facts.landmarks[which]
    other = meeting.facts.landmarks["second" if which == "first" else "first"]

    meeting.migrate("latest", index, Meddler(meeting, lambda meeting: act(meeting, taken), "copy-files"))

    assert [("MIGRATED", None)] == [(told.status, told.reason) for told in told_of(index, other)]
    assert [verdict] == [(told.status, told.reason) for told in told_of(index, taken)]
