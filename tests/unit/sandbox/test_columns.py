"""Columns: one record per content, the page rule, what cells accept (contract 9.1, 9.4)."""

import pytest

from sandbox.synapse.columns import Column, ColumnType, rows_per_page
from sandbox.synapse.http import Refused
from sandbox.synapse.table_values import cell_of
from tests.unit.sandbox.synapse_client import Client
from tests.unit.sandbox.table_lab import REPO, TableLab


@pytest.fixture
def client() -> Client:
    return Client()


def column(kind: ColumnType, **members) -> Column:
    return Column(id="1", name="c", type=kind, **members)


def test_the_same_content_is_the_same_column(client):
    body = {"name": "image", "columnType": "FILEHANDLEID"}

    first = client.post(f"{REPO}/column", body)
    again = client.post(f"{REPO}/column", {**body, "id": "77", "unknown": True})

    assert (201, first.json) == (again.status, again.json)


@pytest.mark.parametrize(
    "other",
    [{"columnType": "INTEGER"}, {"name": "b"}, {"maximumSize": 51}, {"defaultValue": "x"}, {"enumValues": ["x"]}],
)
def test_other_content_is_another_column(client, other):
    body = {"name": "a", "columnType": "STRING", "maximumSize": 50}

    assert client.post(f"{REPO}/column", body).json["id"] != client.post(f"{REPO}/column", {**body, **other}).json["id"]


def test_a_text_column_without_a_size_holds_fifty_signs(client):
    bare = client.post(f"{REPO}/column", {"name": "a", "columnType": "STRING"}).json

    assert 50 == bare["maximumSize"]
    assert bare == client.post(f"{REPO}/column", {"name": "a", "columnType": "STRING", "maximumSize": 50}).json


def test_a_batch_answers_in_order(client):
    wanted = [{"name": name, "columnType": "INTEGER"} for name in ("b", "a", "b")]

    answer = client.post(f"{REPO}/column/batch", {"concreteType": "ListWrapper", "list": wanted})

    assert (201, ["b", "a", "b"]) == (answer.status, [one["name"] for one in answer.json["list"]])
    assert answer.json["list"][0]["id"] == answer.json["list"][2]["id"]


def test_a_column_is_found_by_its_id(client):
    made = client.post(f"{REPO}/column", {"name": "größe", "columnType": "DOUBLE"}).json

    assert made == client.get(f"{REPO}/column/{made['id']}").json
    assert 404 == client.get(f"{REPO}/column/1").status
    assert 403 == client.by(None).get(f"{REPO}/column/{made['id']}").status


@pytest.mark.parametrize(
    "body",
    [
        {"columnType": "STRING"},
        {"name": " ", "columnType": "STRING"},
        {"name": "x" * 257, "columnType": "STRING"},
        {"name": "a"},
        {"name": "a", "columnType": "FILEHANDLEID_LIST"},
        {"name": "a", "columnType": "STRING", "maximumSize": 1001},
        {"name": "a", "columnType": "STRING_LIST", "maximumListLength": 0},
        {"name": "a", "columnType": "FILEHANDLEID", "defaultValue": "1"},
    ],
)
def test_a_column_that_cannot_be_is_refused(client, body):
    assert 400 == client.post(f"{REPO}/column", body).status


def test_the_columns_of_an_entity_come_in_the_tables_order():
    lab = TableLab()

    answer = lab.client.get(f"{REPO}/entity/{lab.table.id}/column")

    assert (200, list(lab.ids.values())) == (answer.status, [one["id"] for one in answer.json["results"]])
    lab.client.grant(lab.project)
    assert 403 == lab.client.colleague().get(f"{REPO}/entity/{lab.table.id}/column").status


def test_a_table_has_at_most_152_columns():
    lab = TableLab()
    ids = [lab.column(f"c{number}", "INTEGER") for number in range(153)]
    body = {"concreteType": lab.table.kind.concrete_type, "name": "wide", "parentId": lab.project.id}

    assert 400 == lab.client.post(f"{REPO}/entity", {**body, "columnIds": ids}).status
    assert 201 == lab.client.post(f"{REPO}/entity", {**body, "columnIds": ids[1:]}).status


def test_default_view_columns_are_the_same_every_time_and_know_no_storage_location(client):
    place = f"{REPO}/column/tableview/defaults?viewEntityType=entityview"

    files = client.get(f"{place}&viewTypeMask=1").json["list"]
    folders = client.get(f"{place}&viewTypeMask=8").json["list"]

    assert files == client.get(f"{place}&viewTypeMask=1").json["list"]
    names = {one["name"]: one for one in files}
    assert {"id", "name", "etag", "dataFileHandleId", "dataFileBucket", "dataFileKey"} <= names.keys()
    assert (65, 100, 700) == tuple(
        names[name]["maximumSize"] for name in ("dataFileConcreteType", "dataFileBucket", "dataFileKey")
    )
    assert "storageLocationId" not in names
    assert not any(one["name"].startswith("dataFile") for one in folders)


@pytest.mark.parametrize(
    ("kinds", "rows"),
    [
        ([ColumnType.FILEHANDLEID], 104_857),
        ([ColumnType.FILEHANDLEID] * 2, 52_428),
        ([ColumnType.ENTITYID], 2_097_152 // 44),
        ([ColumnType.DOUBLE, ColumnType.BOOLEAN], 2_097_152 // 28),
        ([ColumnType.MEDIUMTEXT], 2_097_152 // 421),
        ([ColumnType.LARGETEXT, ColumnType.JSON], 2_097_152 // 4_266),
    ],
)
def test_a_page_holds_what_two_mebibytes_hold(kinds, rows):
    assert rows == rows_per_page(column(kind) for kind in kinds)


def test_texts_count_four_bytes_a_sign_and_lists_every_member():
    assert 4 * 700 == column(ColumnType.STRING, maximum_size=700).bytes_per_cell
    assert 4 * 10 * 5 == column(ColumnType.STRING_LIST, maximum_size=10, maximum_list_length=5).bytes_per_cell
    assert 20 * 5 == column(ColumnType.INTEGER_LIST, maximum_list_length=5).bytes_per_cell


def test_a_page_holds_at_least_one_row():
    wide = [column(ColumnType.STRING_LIST, maximum_size=1000, maximum_list_length=100)] * 10

    assert (1, None) == (rows_per_page(wide), rows_per_page([]))


@pytest.mark.parametrize(
    ("kind", "sent", "stored"),
    [
        (ColumnType.FILEHANDLEID, "90001", "90001"),
        (ColumnType.FILEHANDLEID, 90001, "90001"),
        (ColumnType.FILEHANDLEID, "", None),
        (ColumnType.FILEHANDLEID, None, None),
        (ColumnType.STRING, "", ""),
        (ColumnType.STRING, "größe", "größe"),
        (ColumnType.INTEGER, "-7", "-7"),
        (ColumnType.BOOLEAN, "TRUE", "true"),
        (ColumnType.BOOLEAN, False, "false"),
        (ColumnType.DOUBLE, "1e3", "1e3"),
        (ColumnType.DATE, "1700000000000", "1700000000000"),
        (ColumnType.DATE, "2023-11-14T22:13:20", "1700000000000"),
        (ColumnType.ENTITYID, "SYN12.3", "syn12.3"),
        (ColumnType.INTEGER_LIST, "[1, 2]", "[1, 2]"),
        (ColumnType.STRING_LIST, '["ä", "b"]', '["ä", "b"]'),
        (ColumnType.BOOLEAN_LIST, [True], "[true]"),
        (ColumnType.JSON, '{"a": 1}', '{"a": 1}'),
    ],
)
def test_cells_are_texts_in_one_spelling(kind, sent, stored):
    assert stored == cell_of(column(kind), sent)


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (ColumnType.FILEHANDLEID, "syn1"),
        (ColumnType.FILEHANDLEID, "-1"),
        (ColumnType.INTEGER, "1.5"),
        (ColumnType.INTEGER, str(2**63)),
        (ColumnType.BOOLEAN, "yes"),
        (ColumnType.DOUBLE, "many"),
        (ColumnType.DATE, "yesterday"),
        (ColumnType.ENTITYID, "x1"),
        (ColumnType.INTEGER_LIST, "1"),
        (ColumnType.INTEGER_LIST, '["x"]'),
        (ColumnType.JSON, "{"),
    ],
)
def test_cells_refuse_what_their_column_cannot_hold(kind, sent):
    with pytest.raises(Refused) as refusal:
        cell_of(column(kind), sent)

    assert 400 == refusal.value.status


def test_cells_refuse_what_is_too_long():
    assert "xx" == cell_of(column(ColumnType.STRING, maximum_size=2), "xx")
    with pytest.raises(Refused):
        cell_of(column(ColumnType.STRING, maximum_size=2), "xxx")
    with pytest.raises(Refused):
        cell_of(column(ColumnType.INTEGER_LIST, maximum_list_length=2), "[1, 2, 3]")
