"""Tables: jobs that take their time, rows, handles in cells, and changes that touch nothing else."""

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage_core.errors import AnswerLost, BadRequest, Forbidden, StillRunning
from storage_core.model.ids import ColumnId, EntityId, FileHandleId
from storage_core.model.tables import CellChange, RowReference, TableColumn, TableRow
from storage_core.synapse.endpoints.tables import Tables
from storage_core.synapse.wire_tables import CsvResult, change_request

TABLE = EntityId("syn888")
PROCESSING = {"jobState": "PROCESSING", "jobId": "55001", "progressMessage": "Waiting for table lock"}
PAGE = {
    "concreteType": "org.sagebionetworks.repo.model.table.QueryResultBundle",
    "queryResult": {
        "queryResults": {
            "tableId": "syn888",
            "etag": "e1",
            "headers": [{"name": "image", "columnType": "FILEHANDLEID", "id": "4711"}],
            "rows": [
                {"rowId": 1, "versionNumber": 2, "values": ["90018"]},
                {"rowId": 2, "versionNumber": 2, "values": [None]},
            ],
        }
    },
    "queryCount": 2,
    "maxRowsPerPage": 104857,
}


@pytest.fixture
def tables(lab):
    return Tables(lab.transport, lab.clock)


def answered(status, body):
    return httpx.Response(status, json=body)


def never_done(request: httpx.Request) -> httpx.Response:
    """A service that starts every job, finishes none and cannot stop it."""
    if request.url.path.endswith("/start"):
        return answered(201, {"token": "55001"})
    if request.url.path.endswith("/cancel"):
        return answered(403, {"reason": "Only the user that started a job may access it"})
    return answered(202, PROCESSING)


def test_a_query_that_never_ends_is_given_up_when_patience_ends(lab, tables):
    """It is asked to stop, or its table would stay locked, and whoever reads the error knows what it waited for."""
    lab.answer = never_done

    with pytest.raises(StillRunning, match=r"120 minutes \(Waiting for table lock\)"):
        lab.run(tables.query(table_id=TABLE, sql="SELECT image FROM syn888"))

    assert "/repo/v1/asynchronous/job/55001/cancel" == lab.requests[-1].url.path
    assert lab.config.patience.busy_seconds <= sum(lab.clock.waits) <= lab.config.patience.busy_seconds + 10


def test_a_change_that_never_ends_may_have_been_made(lab, tables):
    """So the cells are to be read again before anything else is done."""
    lab.answer = never_done
    change = CellChange(row_id=1, column_id=ColumnId("4711"), handle_id=FileHandleId("90901"))

    with pytest.raises(AnswerLost, match="Waiting for table lock"):
        lab.run(tables.change_cells(table_id=TABLE, changes=[change]))

    assert 1 == sum(request.url.path.endswith("/start") for request in lab.requests)


def test_a_query_is_started_polled_with_growing_waits_and_read(lab, tables):
    lab.answers = [answered(201, {"token": "55001"}), *[answered(202, PROCESSING)] * 8, answered(201, PAGE)]

    page = lab.run(tables.query(table_id=TABLE, sql="SELECT image FROM syn888", count=True))

    assert (
        TableRow(row_id=1, version=2, values=("90018",)),
        TableRow(row_id=2, version=2, values=(None,)),
    ) == page.rows
    assert (TableColumn(id=ColumnId("4711"), name="image", column_type="FILEHANDLEID"),) == page.columns
    assert page.columns[0].holds_file_handles
    assert (2, 104857, "e1") == (page.row_count, page.rows_per_page, page.etag)
    assert 0x1 | 0x2 | 0x8 == json.loads(lab.requests[0].content)["partMask"]
    assert "/repo/v1/entity/syn888/table/query/async/get/55001" == lab.requests[-1].url.path
    assert sorted(lab.clock.waits) == lab.clock.waits
    assert (1.0, 10.0) == (lab.clock.waits[0], lab.clock.waits[-1])


def test_later_pages_ask_for_rows_only(lab, tables):
    lab.answers = [answered(201, {"token": "1"}), answered(201, {"queryResult": PAGE["queryResult"]})]

    page = lab.run(tables.query(table_id=TABLE, sql="SELECT 1", limit=10))

    body = json.loads(lab.requests[0].content)
    assert (0x1, 10) == (body["partMask"], body["query"]["limit"])
    assert page.row_count is None


def test_a_job_fails_with_the_error_its_work_met(lab, tables):
    lab.answers = [answered(201, {"token": "1"}), answered(400, {"reason": "no such column"})]

    with pytest.raises(BadRequest, match="no such column"):
        lab.run(tables.query(table_id=TABLE, sql="SELECT nonsense"))


def test_columns_come_from_the_bundle(lab, tables):
    lab.answers = [answered(200, {"tableBundle": {"columnModels": [{"id": "1", "name": "n", "columnType": "STRING"}]}})]

    (column,) = lab.run(tables.columns(table_id=TABLE))

    assert not column.holds_file_handles
    assert "/repo/v1/entity/syn888/bundle2" == lab.requests[0].url.path


def test_a_csv_is_a_handle(lab, tables):
    lab.answers = [answered(201, {"token": "1"}), answered(201, {"resultsFileHandleId": "90700", "etag": "e"})]

    assert CsvResult(handle_id=FileHandleId("90700"), etag="e") == lab.run(tables.csv(table_id=TABLE, sql="SELECT 1"))


def test_handles_of_rows_are_given_once_each_and_empty_cells_are_none(lab, tables):
    handle = {"concreteType": "org.sagebionetworks.repo.model.file.S3FileHandle", "id": "90018"}
    lab.answers = [
        answered(202, {"state": "PROCESSING", "tableId": "888"}),
        answered(200, {"rows": [{"list": [handle, None]}, {"list": [handle]}]}),
    ]

    found = lab.run(
        tables.row_handles(table_id=TABLE, columns=[ColumnId("4711")], rows=[RowReference(row_id=1, version=2)])
    )

    assert ["90018"] == [one.id for one in found]
    assert {"tableId": "syn888", "headers": [{"id": "4711"}], "rows": [{"rowId": 1, "versionNumber": 2}]} == (
        json.loads(lab.requests[0].content)
    )


def test_cells_are_changed_by_row_and_column_id_with_a_snapshot(lab, tables):
    lab.answers = [
        answered(201, {"token": "1"}),
        answered(
            201,
            {
                "results": [{"rowReferenceSet": {"rows": [{"rowId": 1, "versionNumber": 5}]}}],
                "snapshotVersionNumber": 5,
            },
        ),
    ]
    change = CellChange(row_id=1, column_id=ColumnId("4711"), handle_id=FileHandleId("90901"))

    changed = lab.run(tables.change_cells(table_id=TABLE, changes=[change], snapshot_comment="before"))

    body = json.loads(lab.requests[0].content)
    rows = body["changes"][0]["toAppend"]["rows"]
    assert [{"rowId": 1, "values": [{"key": "4711", "value": "90901"}]}] == rows
    assert {"snapshotComment": "before"} == body["snapshotOptions"]
    assert ((RowReference(row_id=1, version=5),), 5) == (changed.rows, changed.snapshot_version)


def test_a_transaction_is_not_started_twice_when_its_answer_is_lost(lab, tables):
    lab.answers = [answered(504, {"reason": "gateway"})]
    change = CellChange(row_id=1, column_id=ColumnId("4711"), handle_id=FileHandleId("90901"))

    with pytest.raises(AnswerLost):
        lab.run(tables.change_cells(table_id=TABLE, changes=[change]))
    assert 1 == len(lab.requests)


def test_polling_a_started_transaction_may_be_repeated(lab, tables):
    lab.answers = [
        answered(201, {"token": "1"}),
        answered(504, {"reason": "gateway"}),
        answered(403, {"reason": "not your handle: 90901"}),
    ]
    change = CellChange(row_id=1, column_id=ColumnId("4711"), handle_id=FileHandleId("90901"))

    with pytest.raises(Forbidden, match="90901"):
        lab.run(tables.change_cells(table_id=TABLE, changes=[change]))


@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from("abc")), max_size=12))
def test_a_row_appears_once_and_never_without_cells(cells):
    """A row without values would be deleted, one without an id would be added."""
    changes = [CellChange(row_id=row, column_id=ColumnId(column), handle_id=FileHandleId("1")) for row, column in cells]

    rows = json.loads(json.dumps(change_request(TABLE, changes)))["changes"][0]["toAppend"]["rows"]

    assert len({row["rowId"] for row in rows}) == len(rows)
    assert all(row["values"] for row in rows)
    assert sum(len(row["values"]) for row in rows) == len(cells)


def test_a_snapshot_has_a_number(lab, tables):
    lab.answers = [answered(201, {"snapshotVersionNumber": 5})]

    assert 5 == lab.run(tables.snapshot(table_id=TABLE, comment="before", label="42"))
    assert {"snapshotComment": "before", "snapshotLabel": "42"} == json.loads(lab.requests[-1].content)
