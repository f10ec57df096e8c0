"""What somebody may do to a file while it is migrated, and what the migration must say about it afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.people.meddling import Meeting

Verdict = tuple[str, str | None]
"""Status and reason of the file's item."""

MOVED: Verdict = ("MIGRATED", None)
OTHER_HANDLE: Verdict = ("DRIFTED", "HANDLE_CHANGED")
OTHER_ETAG: Verdict = ("DRIFTED", "ENTITY_CHANGED")
NOT_WRITABLE: Verdict = ("ERRORED", "NO_WRITE_ACCESS")
NOT_DOWNLOADABLE: Verdict = ("ERRORED", "NO_DOWNLOAD_ACCESS")
NOT_READABLE: Verdict = ("ERRORED", "NO_READ_ACCESS")
GONE: Verdict = ("ERRORED", "GONE")
LEFT_OUT: Verdict = ("SKIPPED", "GONE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change of the file by somebody else.

    Attributes:
        unread: the verdict when it comes before the file is read, while indexing.
        uncopied: when it comes before the file is copied; None stands for `unwritten`.
        unwritten: when it comes after copying and before the file is changed by us; by strategy, "" for any other.
    """

    act: Callable[[Meeting], None]
    unread: Verdict = MOVED
    uncopied: Verdict | None = None
    unwritten: Mapping[str, Verdict]

    def verdict(self, strategy: str, phase: str) -> Verdict:
        """What the index must say in the end, when the edit came as *phase* began."""
        if phase == "fetch-handles":
            return self.unread
        if phase == "verify":
            return MOVED
        if phase in {"copy-large-files", "copy-files"} and self.uncopied is not None:
            return self.uncopied
        return self.unwritten.get(strategy, self.unwritten[""])


def _new_version(meeting: Meeting) -> None:
    meeting.change(new_version=True, dataFileHandleId=meeting.facts.landmarks["spare-other"], versionComment="mine")


def _replaced(meeting: Meeting) -> None:
    new = meeting.facts.landmarks["spare-same"]
    version = meeting.ask("GET", f"/repo/v1/entity/{meeting.target}")
    swap = {"oldFileHandleId": version["dataFileHandleId"], "newFileHandleId": new}
    meeting.ask("PUT", f"/repo/v1/entity/{meeting.target}/version/{version['versionNumber']}/filehandle", swap)


def _deleted(meeting: Meeting) -> None:
    meeting.ask("DELETE", f"/repo/v1/entity/{meeting.target}")


def _moved(meeting: Meeting) -> None:
    # the steward's own hand, in a browser: moving takes rights that the colleague lacks
    path = f"/repo/v1/entity/{meeting.target}"
    token = meeting.sandbox.world.principals.demo_token
    entity = meeting.ask_as(token, "GET", path)
    meeting.ask_as(token, "PUT", path, {**entity, "parentId": meeting.facts.root_id})


def _renamed(meeting: Meeting) -> None:
    meeting.change(name="summary of the colleague.csv")


def _annotated(meeting: Meeting) -> None:
    path = f"/repo/v1/entity/{meeting.target}/annotations2"
    told = meeting.ask("GET", path)
    meeting.ask("PUT", path, {**told, "annotations": {"site": {"type": "STRING", "value": ["Kyoto"]}}})


def _setting_changed(meeting: Meeting) -> None:
    world = meeting.sandbox.world
    token = world.principals.demo_token
    body = {
        "concreteType": "org.sagebionetworks.repo.model.project.UploadDestinationListSetting",
        "projectId": meeting.facts.root_id,
        "settingsType": "upload",
        "locations": [meeting.facts.far_id],
    }
    meeting.ask_as(token, "POST", "/repo/v1/projectSettings", body)


EDITS: dict[str, Edit] = {
    "uploads a new version": Edit(act=_new_version, unwritten={"new": OTHER_HANDLE, "": MOVED}),
    "replaces the file handle": Edit(act=_replaced, unwritten={"": OTHER_HANDLE}),
    "deletes it": Edit(act=_deleted, unread=LEFT_OUT, unwritten={"": GONE}),
    "moves it": Edit(act=_moved, unwritten={"new": OTHER_ETAG, "": MOVED}),
    "renames it": Edit(act=_renamed, unwritten={"new": OTHER_ETAG, "": MOVED}),
    "annotates it": Edit(act=_annotated, unwritten={"new": OTHER_ETAG, "": MOVED}),
    "takes the right to write": Edit(
        act=lambda meeting: meeting.leave_the_steward("READ", "DOWNLOAD"),
        unread=NOT_WRITABLE,
        unwritten={"": NOT_WRITABLE},
    ),
    "takes the right to download": Edit(
        act=lambda meeting: meeting.leave_the_steward("READ", "UPDATE"),
        unread=NOT_DOWNLOADABLE,
        uncopied=NOT_DOWNLOADABLE,
        unwritten={"": MOVED},
    ),
    "takes every right": Edit(
        act=lambda meeting: meeting.leave_the_steward(),
        unread=NOT_READABLE,
        uncopied=NOT_DOWNLOADABLE,
        unwritten={"": NOT_WRITABLE},
    ),
    "changes the destination of uploads": Edit(act=_setting_changed, unwritten={"": MOVED}),
}
