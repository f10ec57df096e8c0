"""Tables through the adapter: pages, odd names, the pace of the bulk read, versions."""

import asyncio
import json

import httpx
import pytest

from storage_core.model.ids import ColumnId, EntityId
from storage_core.model.tables import FileColumn, FileRow, RowReference, RowWindow, TableVersion
from storage_core.synapse.table_catalog import SynapseTableCatalog

TABLE = EntityId("syn888")
IMAGE = FileColumn(id=ColumnId("4711"), name='the "best" image')


@pytest.fixture
def catalog(lab):
    return SynapseTableCatalog(lab.transport, lab.clock)


def answered(status, body):
    return httpx.Response(status, json=body)


def page(rows: int, rows_per_page: int) -> dict:
    return {
        "queryResult": {
            "queryResults": {
                "tableId": TABLE,
                "headers": [{"name": IMAGE.name, "columnType": "FILEHANDLEID", "id": IMAGE.id}],
                "rows": [{"rowId": row, "versionNumber": 2, "values": [str(90_000 + row)]} for row in range(rows)],
            }
        },
        "maxRowsPerPage": rows_per_page,
    }


def test_only_columns_of_files_are_named(lab, catalog):
    models = [
        {"id": "1", "name": "n", "columnType": "STRING"},
        {"id": IMAGE.id, "name": IMAGE.name, "columnType": "FILEHANDLEID"},
    ]
    lab.answers = [answered(200, {"tableBundle": {"columnModels": models}})]
    assert (IMAGE,) == lab.run(catalog.file_columns(TABLE))


def test_rows_are_asked_for_by_row_id_with_quoted_names(lab, catalog):
    lab.answers = [answered(201, {"token": "1"}), answered(201, page(1, 100))]
    lab.run(catalog.file_rows(TABLE, [IMAGE], RowWindow(after=41, until=90, limit=7)))
    sent = json.loads(lab.requests[0].content)["query"]["sql"]
    expected = 'SELECT "the ""best"" image" FROM syn888 WHERE ROW_ID > 41 AND ROW_ID <= 90 ORDER BY ROW_ID LIMIT 7'
    assert expected == sent


@pytest.mark.parametrize(
    ("rows", "limit", "rows_per_page", "is_complete"),
    [(6, 7, 100, True), (7, 7, 100, False), (5, 7, 5, False), (4, 7, 5, True), (0, 7, 5, True)],
)
def test_a_page_that_the_service_cut_is_not_the_last(lab, catalog, rows, limit, rows_per_page, is_complete):
    lab.answers = [answered(201, {"token": "1"}), answered(201, page(rows, rows_per_page))]
    found = lab.run(catalog.file_rows(TABLE, [IMAGE], RowWindow(after=-1, until=None, limit=limit)))
    assert (rows, is_complete) == (len(found.rows), found.is_complete)
    if rows:
        assert FileRow(row_id=0, version=2, handles=("90000",)) == found.rows[0]


def test_the_bulk_read_goes_out_once_a_second(lab, catalog):
    """The service allows no more (contract 9.6)."""
    lab.answers = [answered(200, {"rows": []})] * 3

    async def three():
        references = [RowReference(row_id=1, version=2)]
        await asyncio.gather(*(catalog.cell_handles(TABLE, [IMAGE], references) for _ in range(3)))

    lab.run(three())
    assert 3 == len(lab.requests)
    assert 2.0 == pytest.approx(sum(lab.clock.waits), abs=0.1)


def test_versions_come_with_their_comments(lab, catalog):
    lab.answers = [answered(200, {"results": [{"versionNumber": 2, "versionComment": "ours"}, {"versionNumber": 1}]})]
    assert (
        TableVersion(table_id=TABLE, number=2, comment="ours"),
        TableVersion(table_id=TABLE, number=1, comment=None),
    ) == lab.run(catalog.table_versions(TABLE))


def test_more_versions_than_a_page_holds_are_all_found(lab, catalog):
    first = {"results": [{"versionNumber": 2000 - n} for n in range(1000)]}
    lab.answers = [answered(200, first), answered(200, {"results": [{"versionNumber": 1000}]})]
    assert 1001 == len(lab.run(catalog.table_versions(TABLE)))
    assert "1000" == lab.requests[1].url.params["offset"]
