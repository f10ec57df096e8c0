"""Queries, pages and CSV downloads of tables (contract 9.2 to 9.5)."""

import base64
import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.synapse import table_queries
from sandbox.synapse.table_csv import CsvShape
from tests.unit.sandbox.table_lab import REPO, TABLE, TableLab


@pytest.fixture
def lab() -> TableLab:
    made = TableLab()
    made.add(
        {"image": "90001", "label": "b", "size": "10"},
        {"image": None, "label": "a", "size": "9"},
        {"image": "90003", "label": "B c", "size": None},
    )
    return made


@pytest.fixture
def table(lab: TableLab) -> str:
    return lab.table.id


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("SELECT label FROM {}", [["b"], ["a"], ["B c"]]),
        ("select label, ROW_ID from {} where image is not null", [["b", "1"], ["B c", "3"]]),
        ("SELECT label FROM {} WHERE ROW_ID > 1 ORDER BY ROW_ID LIMIT 1", [["a"]]),
        ("SELECT label FROM {} ORDER BY ROW_ID DESC LIMIT 2 OFFSET 1", [["a"], ["b"]]),
        ("SELECT label FROM {} WHERE size = 10 OR size < '10'", [["b"], ["a"]]),
        ("SELECT label FROM {} WHERE image IN ('90001', '90003') AND NOT size IS NULL", [["b"]]),
        ("SELECT label FROM {} WHERE image IN (90001) ", [["b"]]),
        ("SELECT label FROM {} WHERE label LIKE 'b%'", [["b"], ["B c"]]),
        ("SELECT label FROM {} WHERE size BETWEEN 9 AND 10 ORDER BY size", [["a"], ["b"]]),
        ("SELECT label FROM {} WHERE label <> 'it''s'", [["b"], ["a"], ["B c"]]),
        ('SELECT "label" FROM {} WHERE "size" IS NULL', [["B c"]]),
        ("SELECT size + 1 AS more FROM {} WHERE size IS NOT NULL ORDER BY more", [["10"], ["11"]]),
        ("SELECT COUNT(*) FROM {}", [["3"]]),
        ("SELECT COUNT(image), MAX(size) FROM {}", [["2", "10"]]),
        ("SELECT COUNT(DISTINCT label) AS n FROM {}", [["3"]]),
        ("SELECT label, COUNT(*) FROM {} GROUP BY label HAVING COUNT(*) > 0 ORDER BY label LIMIT 1", [["B c", "1"]]),
        ("SELECT DISTINCT ROW_VERSION FROM {}", [["1"]]),
        ("SELECT * FROM {} WHERE ROW_ID = 2", [[None, "a", "9"]]),
    ],
)
def test_a_query_selects(lab, table, sql, values):
    assert values == lab.values(sql.format(table))


def test_a_column_that_is_called_like_a_pseudo_column_needs_quotes(lab):
    """Without quotes ROW_ID stays the row's number, by which readers page."""
    odd = lab.column("ROW_ID", "STRING")
    made = lab.make_table("odd", odd)
    lab.world.tables.append(lab.world, made, [{odd: "x"}, {odd: None}], user_id=lab.world.principals.demo.id)
    sql = f'SELECT "ROW_ID", ROW_ID FROM {made.id} WHERE ROW_ID > 0 ORDER BY ROW_ID'
    assert [["x", "1"], [None, "2"]] == lab.values(sql, table=made.id)


def test_a_table_is_named_as_people_do(lab, table):
    assert 3 == len(lab.values(f"SELECT label FROM {table.upper()}"))


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "SELECT label",
        "SELECT FROM {}",
        "SELECT other FROM {}",
        'SELECT "Label" FROM {}',
        "SELECT label FROM slides",
        "SELECT label FROM {} WHERE",
        "SELECT label FROM {} WHERE label = ",
        "SELECT label FROM {} WHERE label = b",
        "SELECT label FROM {} LIMIT x",
        "SELECT label FROM {} ORDER label",
        "SELECT label FROM {} WHERE label = 'open",
        "SELECT label FROM {} WHERE (size = 1",
        "SELECT label FROM {} JOIN {} ON 1",
        "SELECT load_extension('x') FROM {}",
        "SELECT label FROM {}; DROP TABLE x",
        "SELECT label FROM {} WHERE ROW_ID = (SELECT 1 FROM {})",
        "UPDATE {} SET label = 'x'",
        "SELECT label FROM {} WHERE label = `a`",
    ],
)
def test_a_query_with_a_mistake_is_refused_by_its_job(lab, table, sql):
    """The start succeeds; the mistake shows when the result is asked for."""
    assert 400 == lab.query(sql.replace("{}", table)).status


def test_names_with_any_signs_are_quoted(lab):
    names = [
        "with space",
        'double "quotes"',
        "größe 測定",
        "select",
        "a.b-c,d",
        "it's (1)",
        "c50001",
        "ROW",
        "x;--",
        "?",
    ]
    ids = [lab.column(name, "FILEHANDLEID") for name in names]
    odd = lab.make_table("odd", *ids)
    lab.world.tables.append(
        lab.world, odd, [{key: str(90_000 + at) for at, key in enumerate(ids)}], user_id=lab.client.user.id
    )
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    filled = " AND ".join('"' + name.replace('"', '""') + '" IS NOT NULL' for name in names)

    answer = lab.query(f"SELECT {quoted} FROM {odd.id} WHERE {filled}").json["queryResult"]["queryResults"]

    assert [str(90_000 + at) for at in range(len(names))] == answer["rows"][0]["values"]
    assert names == [header["name"] for header in answer["headers"]]


@given(name=st.text(min_size=1, max_size=30).filter(str.strip), value=st.text(max_size=30))
def test_no_name_and_no_text_can_break_out_of_a_query(name, value):
    lab = TableLab()
    column = lab.column(name, "STRING")
    table = lab.make_table("any", column)
    lab.world.tables.append(lab.world, table, [{column: value}, {column: value + "!"}], user_id=lab.client.user.id)
    quoted = '"' + name.strip().replace('"', '""') + '"'
    text = "'" + value.replace("'", "''") + "'"

    assert [[value]] == lab.values(f"SELECT {quoted} FROM {table.id} WHERE {quoted} = {text}")


def test_rows_carry_their_id_and_version_and_headers_their_column(lab, table):
    lab.transact(lab.partial(lab.cell(2, "size", "1")))

    result = lab.query(f"SELECT image, size FROM {table}").json["queryResult"]["queryResults"]

    assert [(1, 1), (2, 2), (3, 1)] == [(row["rowId"], row["versionNumber"]) for row in result["rows"]]
    assert {"name": "image", "columnType": "FILEHANDLEID", "id": lab.ids["image"]} == result["headers"][0]


def test_aggregates_have_neither_row_ids_nor_column_ids(lab, table):
    result = lab.query(f"SELECT count(*) AS n, MAX(size) FROM {table}").json["queryResult"]["queryResults"]

    assert [{"values": ["3", "10"]}] == result["rows"]
    assert [{"name": "n", "columnType": "INTEGER"}, {"name": "MAX(size)", "columnType": "INTEGER"}] == result["headers"]


def test_truths_numbers_and_nothing_are_texts_or_null(lab):
    ids = [lab.column("yes", "BOOLEAN"), lab.column("much", "DOUBLE"), lab.column("many", "INTEGER_LIST")]
    table = lab.make_table("kinds", *ids)
    rows = [dict(zip(ids, values, strict=True)) for values in (("true", "1.5", "[1]"), ("false", None, None))]
    lab.world.tables.append(lab.world, table, rows, user_id=lab.client.user.id)

    assert [["true", "1.5", "[1]"], ["false", None, None]] == lab.values(f"SELECT * FROM {table.id}")
    assert [["1.5"]] == lab.values(f"SELECT much FROM {table.id} WHERE yes = TRUE")


def test_only_the_parts_asked_for_come(lab, table):
    sql = f"SELECT image FROM {table}"

    assert {"concreteType", "queryResult"} == lab.query(sql, mask=0x1).json.keys()
    first = lab.query(sql, mask=0x1 | 0x2 | 0x8).json
    assert (3, 104_857) == (first["queryCount"], first["maxRowsPerPage"])
    assert {"concreteType", "columnModels"} == lab.query(sql, mask=0x10).json.keys()
    everything = lab.job("query", {"query": {"sql": sql}}).json
    assert {"selectColumns", "facets", "sumFileSizes", "lastUpdatedOn", "combinedSql"} < everything.keys()
    assert "actionsRequired" not in everything


def test_the_count_keeps_to_the_limit_of_the_query_but_not_to_the_pages(lab, table):
    assert 2 == lab.query(f"SELECT image FROM {table} LIMIT 2", mask=2).json["queryCount"]
    assert 3 == lab.query(f"SELECT image FROM {table}", mask=2, limit=1).json["queryCount"]


@pytest.mark.parametrize(
    ("ending", "asked", "labels"),
    [
        ("", {"limit": 2}, ["b", "a"]),
        ("", {"offset": 1}, ["a", "B c"]),
        (" LIMIT 2", {"limit": 5}, ["b", "a"]),
        (" LIMIT 2", {"offset": 1}, ["a"]),
        (" LIMIT 2 OFFSET 1", {"offset": 1, "limit": 5}, ["B c"]),
        (" LIMIT 1", {"offset": 1}, []),
    ],
)
def test_limits_of_the_request_apply_within_those_of_the_query(lab, table, ending, asked, labels):
    assert labels == [row[0] for row in lab.values(f"SELECT label FROM {table} ORDER BY ROW_ID{ending}", **asked)]


def test_a_full_page_names_the_next_one_and_others_do_not(lab, monkeypatch):
    monkeypatch.setattr(table_queries, "BYTES_PER_PAGE", 40)  # two rows of one number
    table = lab.table.id
    first = lab.query(f"SELECT size FROM {table} ORDER BY ROW_ID").json["queryResult"]

    assert [1, 2] == [row["rowId"] for row in first["queryResults"]["rows"]]
    token = first["nextPageToken"]
    assert TABLE + "QueryNextPageToken" == token["concreteType"]
    second = lab.job("query/nextPage", token).json
    assert [3] == [row["rowId"] for row in second["queryResults"]["rows"]]
    assert "nextPageToken" not in second
    assert "nextPageToken" not in lab.query(f"SELECT size FROM {table}", limit=1).json["queryResult"]


def test_more_than_a_page_is_never_given(lab, monkeypatch):
    monkeypatch.setattr(table_queries, "BYTES_PER_PAGE", 40)

    assert 2 == len(lab.values(f"SELECT size FROM {lab.table.id}", limit=100))


def test_a_token_that_was_made_up_is_refused(lab):
    assert 400 == lab.job("query/nextPage", {"token": "nonsense"}).status
    stranger = base64.urlsafe_b64encode(json.dumps({"sql": "SELECT x FROM syn1"}).encode()).decode()
    assert 404 == lab.job("query/nextPage", {"token": stranger}).status


def test_reading_a_table_needs_download_as_well(lab, table):
    lab.client.grant(lab.project, "READ")
    assert 403 == lab.query(f"SELECT label FROM {table}", client=lab.client.colleague()).status

    lab.client.grant(lab.project, "READ", "DOWNLOAD")
    assert 201 == lab.query(f"SELECT label FROM {table}", client=lab.client.colleague()).status


def test_what_is_no_table_cannot_be_queried(lab):
    assert 400 == lab.query(f"SELECT x FROM {lab.project.id}").status
    assert 404 == lab.query("SELECT x FROM syn1").status
    assert 404 == lab.query(f"SELECT label FROM {lab.table.id}.7").status


def test_filters_the_sandbox_does_not_know_are_refused_not_ignored(lab, table):
    assert 400 == lab.query(f"SELECT label FROM {table}", additionalFilters=[{"columnName": "label"}]).status


def test_a_query_sees_every_earlier_change(lab, table):
    """New rows, changed cells and rows that are gone, each asked for right afterwards."""
    sql = f"SELECT label FROM {table}"
    for number in range(3):
        lab.transact(lab.partial(lab.cell(1, "label", f"n{number}")))
        assert [[f"n{number}"], ["a"], ["B c"]] == lab.values(sql)
        lab.transact(lab.partial({"values": [{"key": lab.ids["label"], "value": "new"}]}))
        assert [[f"n{number}"], ["a"], ["B c"], ["new"]] == lab.values(sql)
        lab.transact(lab.partial({"rowId": 4 + number}))
        assert [[f"n{number}"], ["a"], ["B c"]] == lab.values(sql)


# kept answers


def start(lab, path, body, *, client=None):
    place = f"{REPO}/entity/{lab.table.id}/table/{path}/async/start"
    return (client or lab.client).post(place, body).json["token"]


@pytest.mark.parametrize("path", ["query", "download/csv"])
def test_an_identical_start_on_an_unchanged_table_gets_the_finished_job(lab, table, path):
    sql = f"SELECT label FROM {table}"
    body = {"sql": sql, "query": {"sql": sql}}

    first = start(lab, path, body)

    assert first == start(lab, path, body)
    assert first != start(lab, path, {**body, "writeHeader": False})
    lab.transact(lab.partial(lab.cell(1, "label", "new")))
    assert first != start(lab, path, body)


def test_kept_answers_are_the_users_own_and_failures_are_not_kept(lab, table):
    lab.client.grant(lab.project, "READ", "DOWNLOAD")
    body = {"query": {"sql": f"SELECT label FROM {table}"}}
    bad = {"query": {"sql": f"SELECT nothing FROM {table}"}}

    assert start(lab, "query", body) != start(lab, "query", body, client=lab.client.colleague())
    assert start(lab, "query", bad) != start(lab, "query", bad)


# CSV


def download(lab, **members):
    answer = lab.job("download/csv", {"concreteType": TABLE + "DownloadFromTableRequest", **members})
    assert answer.status == 201, answer.body
    return answer.json, lab.content(answer.json["resultsFileHandleId"]).decode()


def test_a_download_is_a_file_of_the_callers_with_row_ids_in_front(lab, table):
    result, text = download(lab, sql=f"SELECT label, size FROM {table}")

    assert "ROW_ID,ROW_VERSION,label,size\n1,1,b,10\n2,1,a,9\n3,1,B c,\n" == text
    handle = lab.client.get(f"/file/v1/fileHandle/{result['resultsFileHandleId']}")
    assert (200, len(text), 1) == (handle.status, handle.json["contentSize"], handle.json["storageLocationId"])
    assert (table, ["label", "size"]) == (result["tableId"], [header["name"] for header in result["headers"]])


def test_an_entity_etag_makes_no_column_for_plain_tables(lab, table):
    _, text = download(lab, sql=f"SELECT size FROM {table} LIMIT 1", includeEntityEtag=True)

    assert "ROW_ID,ROW_VERSION,size\n1,1,10\n" == text


def test_a_download_leaves_out_what_is_not_wanted(lab, table):
    _, text = download(lab, sql=f"SELECT size FROM {table}", writeHeader=False, includeRowIdAndRowVersion=False)

    assert '10\n9\n""\n' == text


def test_aggregates_have_no_row_ids_in_a_download(lab, table):
    assert "COUNT(*)\n3\n" == download(lab, sql=f"SELECT COUNT(*) FROM {table}")[1]


def test_a_download_is_punctuated_as_asked(lab, table):
    shape = {"separator": "\t", "lineEnd": "\r\n", "quoteCharacter": "'", "escapeCharacter": "\\"}

    _, text = download(lab, sql=f"SELECT label FROM {table} WHERE ROW_ID = 3", csvTableDescriptor=shape)

    assert "ROW_ID\tROW_VERSION\tlabel\r\n3\t1\tB c\r\n" == text


def test_a_download_has_no_limit_of_rows(lab, monkeypatch):
    monkeypatch.setattr(table_queries, "BYTES_PER_PAGE", 20)

    assert 4 == download(lab, sql=f"SELECT size FROM {lab.table.id}")[1].count("\n")


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\x00")), min_size=2, max_size=2)))
def test_what_is_written_as_csv_is_read_back(rows):
    shape = CsvShape()

    assert rows == list(shape.read(shape.write(None, rows)))


def test_other_readers_understand_the_csv():
    """Without an escape sign in the fields, any reader of CSV does."""
    data = CsvShape().write(["a,b", 'say "hi"'], [["line\nbreak", None]])

    assert [["a,b", 'say "hi"'], ["line\nbreak", ""]] == list(csv.reader(io.StringIO(data.decode(), newline="")))
