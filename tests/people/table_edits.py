"""What somebody may do to a table while its cells are migrated, and what the migration must say of which cells."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.synapse.columns import ColumnType
from tests.people.edits import GONE, MOVED, NOT_DOWNLOADABLE, NOT_WRITABLE, OTHER_HANDLE, Verdict
from tests.people.meddling import Meeting

Cell = tuple[str, str]
"""Row and column, by their ids."""

ROW_GONE: Verdict = ("DRIFTED", "GONE")
COLUMN_GONE: Verdict = ("DRIFTED", "ENTITY_CHANGED")
PACKAGE = "org.sagebionetworks.repo.model.table."


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEdit:
    """One change of the table "Slides" by somebody else.

    Attributes:
        cells: the cells that are not migrated because of it.
        unwritten: the verdict on them when it comes before they are written.
        uncopied: the same when it comes before their sources are copied, if that is another one; not for cells whose
            source a file has, too.
        unlooked: the same when the tables were frozen already, if that is another one.
    """

    act: Callable[[Meeting], None]
    cells: Callable[[Meeting], set[Cell]] = lambda _: set()
    unwritten: Verdict = MOVED
    uncopied: Verdict | None = None
    unlooked: Verdict | None = None

    def verdict(self, phase: str, *, is_shared: bool = False) -> Verdict:
        """What the index must say of these cells in the end, when the edit came as *phase* began."""
        if phase == "verify":
            return MOVED
        special = {"copy-files": None if is_shared else self.uncopied, "repoint-cells": self.unlooked}.get(phase)
        return special or self.unwritten


def table_of(meeting: Meeting) -> str:
    """The table that is changed."""
    return meeting.facts.landmarks["slides"]


def file_columns(meeting: Meeting) -> list[str]:
    """Ids of its file columns as they are now: pictures, then reports."""
    world = meeting.sandbox.world
    schema = world.tables.schema_of(world.entities.require(table_of(meeting)))
    return [column.id for column in schema if column.type is ColumnType.FILEHANDLEID]


def _write(meeting: Meeting, *rows: dict[str, object]) -> None:
    """A transaction of the colleague's; it is over, or queued behind others, when this returns."""
    table = table_of(meeting)
    change = {
        "concreteType": f"{PACKAGE}AppendableRowSetRequest",
        "entityId": table,
        "toAppend": {"concreteType": f"{PACKAGE}PartialRowSet", "tableId": table, "rows": list(rows)},
    }
    _transact(meeting, change)


def _transact(meeting: Meeting, change: dict[str, object]) -> None:
    table = table_of(meeting)
    body = {"concreteType": f"{PACKAGE}TableUpdateTransactionRequest", "entityId": table, "changes": [change]}
    meeting.ask("POST", f"/repo/v1/entity/{table}/table/transaction/async/start", body)


def _row(row_id: int, **values: str | None) -> dict[str, object]:
    return {
        "rowId": row_id,
        "values": [{"key": key.removeprefix("c"), "value": value} for key, value in values.items()],
    }


def _edited(meeting: Meeting) -> None:
    picture, _ = file_columns(meeting)
    _write(meeting, _row(1, **{f"c{picture}": meeting.facts.landmarks["spare-other"]}))


def _emptied(meeting: Meeting) -> None:
    picture, _ = file_columns(meeting)
    _write(meeting, _row(1, **{f"c{picture}": None}))


def _row_deleted(meeting: Meeting) -> None:
    _write(meeting, {"rowId": 1})


def _row_added(meeting: Meeting) -> None:
    picture, _ = file_columns(meeting)
    _write(meeting, {"values": [{"key": picture, "value": meeting.facts.landmarks["spare-other"]}]})


def _column_dropped(meeting: Meeting) -> None:
    picture, _ = file_columns(meeting)
    change = {"oldColumnId": picture, "newColumnId": None}
    _transact(
        meeting,
        {"concreteType": f"{PACKAGE}TableSchemaChangeRequest", "entityId": table_of(meeting), "changes": [change]},
    )


def _locked(meeting: Meeting) -> None:
    """A long transaction: the table is locked for two seconds, and one cell is another one afterwards."""
    jobs, clock = meeting.sandbox.world.jobs, meeting.sandbox.clock
    jobs.delay_seconds, clock.wait_scale = 2.0, 1.0
    _edited(meeting)
    jobs.delay_seconds = 0.0


def _changed(meeting: Meeting, **fields: object) -> None:
    # the steward's own hand, in a browser: moving takes rights that the colleague lacks
    path, token = f"/repo/v1/entity/{table_of(meeting)}", meeting.sandbox.world.principals.demo_token
    meeting.ask_as(token, "PUT", path, {**meeting.ask_as(token, "GET", path), **fields})


def _frozen(meeting: Meeting) -> None:
    meeting.ask("POST", f"/repo/v1/entity/{table_of(meeting)}/table/snapshot", {"snapshotComment": "mine"})


def _setting_changed(meeting: Meeting) -> None:
    world = meeting.sandbox.world
    body = {
        "concreteType": "org.sagebionetworks.repo.model.project.UploadDestinationListSetting",
        "projectId": meeting.facts.root_id,
        "settingsType": "upload",
        "locations": [meeting.facts.far_id],
    }
    meeting.ask_as(world.principals.demo_token, "POST", "/repo/v1/projectSettings", body)


def _first_picture(meeting: Meeting) -> set[Cell]:
    return {("1", file_columns(meeting)[0])}


def _first_row(meeting: Meeting) -> set[Cell]:
    return {("1", column) for column in file_columns(meeting)}


def _pictures(meeting: Meeting) -> set[Cell]:
    return {(str(row), file_columns(meeting)[0]) for row in range(1, 5)}


def _all_but_the_moved(meeting: Meeting) -> set[Cell]:
    reports = file_columns(meeting)[1]
    return _pictures(meeting) | {(row, reports) for row in ("1", "3", "4")}


TABLE_EDITS: dict[str, TableEdit] = {
    "edits a cell": TableEdit(act=_edited, cells=_first_picture, unwritten=OTHER_HANDLE),
    "empties a cell": TableEdit(act=_emptied, cells=_first_picture, unwritten=OTHER_HANDLE),
    "deletes a row": TableEdit(act=_row_deleted, cells=_first_row, unwritten=ROW_GONE),
    "adds a row": TableEdit(act=_row_added),
    "drops a column": TableEdit(act=_column_dropped, cells=_pictures, unwritten=COLUMN_GONE),
    "locks the table and edits a cell": TableEdit(act=_locked, cells=_first_picture, unwritten=OTHER_HANDLE),
    "freezes it": TableEdit(act=_frozen),
    "renames it": TableEdit(act=lambda meeting: _changed(meeting, name="slides of the colleague")),
    "moves it": TableEdit(act=lambda meeting: _changed(meeting, parentId=meeting.facts.landmarks["folder"])),
    "deletes it": TableEdit(
        act=lambda meeting: meeting.ask("DELETE", f"/repo/v1/entity/{table_of(meeting)}"),
        cells=_all_but_the_moved,
        unwritten=GONE,
        uncopied=NOT_DOWNLOADABLE,
    ),
    "takes the right to write": TableEdit(
        act=lambda meeting: meeting.leave_the_steward_at(table_of(meeting), "READ", "DOWNLOAD"),
        cells=_all_but_the_moved,
        unwritten=NOT_WRITABLE,
    ),
    "takes the right to download": TableEdit(
        act=lambda meeting: meeting.leave_the_steward_at(table_of(meeting), "READ", "UPDATE"),
        cells=_all_but_the_moved,
        unwritten=NOT_DOWNLOADABLE,
    ),
    "takes every right": TableEdit(
        act=lambda meeting: meeting.leave_the_steward_at(table_of(meeting)),
        cells=_all_but_the_moved,
        unwritten=NOT_WRITABLE,
        uncopied=NOT_DOWNLOADABLE,
        unlooked=NOT_DOWNLOADABLE,
    ),
    "changes the destination of uploads": TableEdit(act=_setting_changed),
}
