"""Tables: writing rows, the handles in cells, snapshots (contract 9.6 to 9.8)."""

import time

import pytest

from sandbox.synapse import table_rows
from tests.unit.sandbox.table_lab import REPO, TABLE, TableLab


@pytest.fixture
def lab() -> TableLab:
    return TableLab()


def results(answer):
    return answer.json["results"][0]["rowReferenceSet"]["rows"]


# partial rows


def test_new_rows_get_ids_from_one_and_the_version_of_their_transaction(lab):
    rows = [{"values": [{"key": lab.ids["label"], "value": text}]} for text in ("a", "b")]

    answer = lab.transact(lab.partial(*rows))

    assert [{"rowId": 1, "versionNumber": 1}, {"rowId": 2, "versionNumber": 1}] == results(answer)
    assert {"label": "b"} == lab.cells(2)


def test_a_partial_row_changes_its_cells_and_no_other(lab):
    lab.add({"label": "a", "size": "1"}, {"label": "b", "size": "2"})

    lab.transact(lab.partial(lab.cell(1, "label", "new")))

    assert [{"label": "new", "size": "1"}, {"label": "b", "size": "2"}] == [lab.cells(1), lab.cells(2)]
    assert {1: 2, 2: 1} == lab.versions()


def test_a_null_value_empties_the_cell(lab):
    lab.add({"label": "a", "size": "1"})

    lab.transact(lab.partial(lab.cell(1, "size", None)))

    assert {"label": "a"} == lab.cells(1)


@pytest.mark.parametrize("row", [{"rowId": 1}, {"rowId": 1, "values": None}])
def test_a_row_without_values_is_deleted(lab, row):
    lab.add({"label": "a"}, {"label": "b"})

    answer = lab.transact(lab.partial(row))

    assert (201, None, {"label": "b"}) == (answer.status, lab.cells(1), lab.cells(2))


def test_a_row_with_an_empty_list_is_ignored(lab):
    lab.add({"label": "a"})

    answer = lab.transact(lab.partial({"rowId": 1, "values": []}))

    assert ([], {1: 1}) == (results(answer), lab.versions())


@pytest.mark.parametrize("row_id", [2, 99])
def test_an_unknown_or_deleted_row_is_refused(lab, row_id):
    lab.add({"label": "a"}, {"label": "b"})
    lab.transact(lab.partial({"rowId": 2}))

    assert 400 == lab.transact(lab.partial(lab.cell(row_id, "label", "x"))).status


def test_a_key_is_a_column_id_never_a_name(lab):
    lab.add({"label": "a"})

    answer = lab.transact(lab.partial({"rowId": 1, "values": [{"key": "label", "value": "x"}]}))

    assert (400, {"label": "a"}) == (answer.status, lab.cells(1))


def test_a_row_may_appear_once_in_a_set(lab):
    lab.add({"label": "a"})

    assert 400 == lab.transact(lab.partial(lab.cell(1, "label", "x"), lab.cell(1, "size", "1"))).status


def test_values_are_a_list_of_pairs_not_an_object(lab):
    lab.add({"label": "a"})

    assert 400 == lab.transact(lab.partial({"rowId": 1, "values": {lab.ids["label"]: "x"}})).status


def test_partial_rows_have_no_conflict_check(lab):
    """The last writer wins, whatever version was read."""
    lab.add({"label": "a"})
    lab.transact(lab.partial(lab.cell(1, "label", "somebody's")))

    answer = lab.transact(lab.partial({**lab.cell(1, "label", "mine"), "versionNumber": 1}))

    assert (201, {"label": "mine"}) == (answer.status, lab.cells(1))


def test_four_bytes_are_counted_for_each_character(lab):
    lab.add({"label": "a"})
    long = lab.column("text", "LARGETEXT")
    lab.world.entities.require(lab.table.id).current.fields["columnIds"].append(long)
    signs = 2_097_152 // 4 - len(long)

    def sized(length):
        return lab.transact(lab.partial({"rowId": 1, "values": [{"key": long, "value": "x" * length}]})).status

    assert (201, 400) == (sized(signs), sized(signs + 1))


def test_new_rows_take_the_columns_defaults(lab):
    column = lab.column("state", "STRING", defaultValue="new")
    table = lab.make_table("with default", column, lab.ids["size"])
    row = {"values": [{"key": lab.ids["size"], "value": "1"}]}
    change = lab.partial(row)
    change["entityId"] = change["toAppend"]["tableId"] = table.id

    assert 201 == lab.job("transaction", {"changes": [change]}, table=table.id).status
    assert {column: "new", lab.ids["size"]: "1"} == lab.world.tables.rows_of(lab.world, table)[1].cells


# full rows


def test_full_rows_are_written_when_nobody_changed_them(lab):
    lab.add({"label": "a"}, {"label": "b"})

    answer = lab.transact(lab.full(["label", "size"], {"rowId": 1, "versionNumber": 1, "values": ["c", "3"]}))

    assert (201, {"label": "c", "size": "3"}) == (answer.status, lab.cells(1))


def test_a_row_changed_after_it_was_read_is_a_conflict_for_the_whole_transaction(lab):
    lab.add({"label": "a"}, {"label": "b"})
    lab.transact(lab.partial(lab.cell(2, "label", "somebody's")))

    rows = [{"rowId": row_id, "versionNumber": 1, "values": ["mine"]} for row_id in (1, 2)]
    answer = lab.transact(lab.full(["label"], *rows))

    assert (412, {"label": "a"}, {"label": "somebody's"}) == (answer.status, lab.cells(1), lab.cells(2))


def test_the_highest_version_read_counts_for_all_rows_of_the_set(lab):
    """Rows read at different times hide a conflict: row 1 was read before it was changed, and is overwritten."""
    lab.add({"label": "a"}, {"label": "b"})
    lab.transact(lab.partial(lab.cell(1, "label", "somebody's")))
    lab.transact(lab.partial(lab.cell(2, "label", "b2")))

    rows = [
        {"rowId": 1, "versionNumber": 1, "values": ["mine"]},
        {"rowId": 2, "versionNumber": 3, "values": ["mine"]},
    ]
    assert (201, {"label": "mine"}) == (lab.transact(lab.full(["label"], *rows)).status, lab.cells(1))


def test_the_etag_of_the_set_counts_as_read_too(lab):
    lab.add({"label": "a"})
    lab.transact(lab.partial(lab.cell(1, "label", "b")))
    etag = lab.world.tables.content_of(lab.world, lab.table).etag

    row = {"rowId": 1, "versionNumber": 1, "values": ["c"]}
    assert 201 == lab.transact(lab.full(["label"], row, etag=etag)).status


def test_a_deleted_row_is_a_conflict(lab):
    lab.add({"label": "a"})
    lab.transact(lab.partial({"rowId": 1}))

    assert 412 == lab.transact(lab.full(["label"], {"rowId": 1, "versionNumber": 1, "values": ["x"]})).status


def test_full_rows_need_the_version_that_was_read(lab):
    lab.add({"label": "a"})

    assert 400 == lab.transact(lab.full(["label"], {"rowId": 1, "values": ["x"]})).status


@pytest.mark.parametrize("row", [{"rowId": 77, "versionNumber": 9}, {"rowId": 77}])
def test_a_table_never_written_to_ignores_row_ids_and_versions(lab, row):
    answer = lab.transact(lab.full(["label"], {**row, "values": ["x"]}))

    assert [{"rowId": 1, "versionNumber": 1}] == results(answer)


def test_each_header_needs_a_value(lab):
    assert 400 == lab.transact(lab.full(["label", "size"], {"values": ["x"]})).status


# CSV


def test_a_csv_without_row_ids_adds_rows(lab):
    answer = lab.transact(lab.csv_change(["label", "size"], ["a,b", "1"], ['"q"', ""]))

    assert 2 == answer.json["results"][0]["rowsProcessed"]
    assert [{"label": "a,b", "size": "1"}, {"label": '"q"'}] == [lab.cells(1), lab.cells(2)]


def test_a_csv_leaves_columns_alone_that_it_does_not_name(lab):
    lab.add({"label": "a", "size": "1"}, {"label": "b", "size": "2"})

    lab.transact(lab.csv_change(["ROW_ID", "ROW_VERSION", "label"], ["2", "1", "new"]))

    assert [{"label": "a", "size": "1"}, {"label": "new", "size": "2"}] == [lab.cells(1), lab.cells(2)]


def test_a_csv_is_refused_when_a_row_was_changed_since(lab):
    lab.add({"label": "a"}, {"label": "b"})
    lab.transact(lab.partial(lab.cell(1, "label", "somebody's")))

    answer = lab.transact(lab.csv_change(["ROW_ID", "ROW_VERSION", "label"], ["1", "1", "x"], ["2", "1", "y"]))

    assert (412, {"label": "b"}) == (answer.status, lab.cells(2))


def test_a_csv_of_row_ids_alone_removes_the_rows(lab):
    lab.add({"label": "a"}, {"label": "b"})

    lab.transact(lab.csv_change(["ROW_ID", "ROW_VERSION"], ["1", "1"]))

    assert (None, {"label": "b"}) == (lab.cells(1), lab.cells(2))


def test_a_csv_without_a_header_takes_the_named_columns(lab):
    change = lab.csv_change(
        ["1", "a"], csvTableDescriptor={"isFirstLineHeader": False}, columnIds=[lab.ids["size"], lab.ids["label"]]
    )

    assert (201, {"label": "a", "size": "1"}) == (lab.transact(change).status, lab.cells(1))


@pytest.mark.parametrize(
    "lines", [[["nothing"], ["x"]], [["size"], ["many"]], [["label", "size"], ["one"]], [["ROW_ID"], [""]]]
)
def test_a_csv_that_does_not_fit_is_refused_as_a_whole(lab, lines):
    lab.add({"label": "a"})

    assert (400, {1: 1}) == (lab.transact(lab.csv_change(*lines)).status, lab.versions())


def test_the_csv_must_be_the_callers_own(lab):
    handle = lab.file(b"label\nx\n", owner=lab.world.principals.colleague.id)
    change = {**lab.csv_change(["label"]), "uploadFileHandleId": handle.id}

    assert 403 == lab.transact(change).status


def test_the_older_calls_take_a_change_without_a_transaction(lab):
    change = lab.csv_change(["label"], ["a"])
    del change["concreteType"]

    assert 1 == lab.job("upload/csv", change).json["rowsProcessed"]
    answer = lab.job("append", lab.partial(lab.cell(1, "label", "b")))
    assert [{"rowId": 1, "versionNumber": 2}] == answer.json["rowReferenceSet"]["rows"]


# handles in cells


def test_own_handles_may_be_put_into_cells_and_are_readable_through_the_table(lab):
    lab.add({"label": "a"})
    handle = lab.handle()
    colleague = lab.client.colleague()
    lab.client.grant(lab.project, "READ", "DOWNLOAD")
    asked = {"fileHandleId": handle.id, "associateObjectId": lab.table.id, "associateObjectType": "TableEntity"}
    batch = {"requestedFiles": [asked], "includeFileHandles": True}

    def seen():
        return colleague.post("/file/v1/fileHandle/batch", batch).json["requestedFiles"][0]

    assert "UNAUTHORIZED" == seen()["failureCode"]
    assert 201 == lab.transact(lab.partial(lab.cell(1, "image", handle.id))).status
    assert handle.id == seen()["fileHandle"]["id"]


def test_others_handles_fail_the_job_and_are_named(lab):
    lab.add({"label": "a"}, {"label": "b"})
    foreign = lab.handle(owner=lab.world.principals.colleague.id)

    answer = lab.transact(lab.partial(lab.cell(1, "image", lab.handle().id), lab.cell(2, "image", foreign.id)))

    assert (403, True) == (answer.status, foreign.id in answer.reason)
    assert {"label": "a"} == lab.cells(1)


def test_a_handle_that_is_in_the_table_already_may_be_moved_around_in_it(lab):
    foreign = lab.handle(owner=lab.world.principals.colleague.id)
    lab.add({"image": foreign.id}, {"label": "b"})

    assert 201 == lab.transact(lab.partial(lab.cell(1, "image", None), lab.cell(2, "image", foreign.id))).status


def test_a_handle_that_once_was_in_the_table_may_come_back(lab):
    """Or nobody but its maker could take a migration back."""
    foreign = lab.handle(owner=lab.world.principals.colleague.id)
    lab.add({"image": foreign.id})
    lab.transact(lab.partial(lab.cell(1, "image", lab.handle().id)))

    assert 201 == lab.transact(lab.partial(lab.cell(1, "image", foreign.id))).status


def test_a_handle_in_another_table_helps_nothing(lab):
    foreign = lab.handle(owner=lab.world.principals.colleague.id)
    lab.add({"label": "a"})
    other = lab.make_table("other", lab.ids["image"])
    lab.world.tables.append(lab.world, other, [{lab.ids["image"]: foreign.id}], user_id=lab.client.user.id)

    assert 403 == lab.transact(lab.partial(lab.cell(1, "image", foreign.id))).status


def test_the_rule_about_handles_holds_for_csv_and_full_rows(lab):
    foreign = lab.handle(owner=lab.world.principals.colleague.id)

    assert 403 == lab.transact(lab.csv_change(["image"], [foreign.id])).status
    assert 403 == lab.transact(lab.full(["image"], {"values": [foreign.id]})).status


def test_administrators_may_use_any_handle(lab):
    foreign = lab.handle(owner=lab.world.principals.colleague.id)
    lab.add({"label": "a"})
    administrator = lab.world.principals.administrator
    token = lab.world.principals.issue_token(administrator.id)

    change = lab.partial(lab.cell(1, "image", foreign.id))
    assert 201 == lab.transact(change, client=lab.client.by(token)).status


def test_handles_of_rows_come_in_order_and_gone_rows_shift_it(lab):
    first, third = lab.handle("3412/1/a.csv"), lab.handle("3412/3/c.csv")
    lab.add({"image": first.id}, {"image": first.id}, {"label": "no image"}, {"image": third.id})
    lab.transact(lab.partial({"rowId": 2}))
    body = {
        "tableId": lab.table.id,
        "headers": [{"id": lab.ids["image"]}],
        "rows": [{"rowId": row_id, "versionNumber": 1} for row_id in (1, 2, 3, 4)],
    }

    answer = lab.client.post(f"{REPO}/entity/{lab.table.id}/table/filehandles", body)

    found = [[cell and cell["id"] for cell in row["list"]] for row in answer.json["rows"]]
    assert (200, [[first.id], [None], [third.id]]) == (answer.status, found)
    assert [{"id": lab.ids["image"], "name": "image", "columnType": "FILEHANDLEID"}] == answer.json["headers"]


def test_handles_are_asked_of_file_columns_of_tables_by_people_who_may_download(lab):
    lab.add({"label": "a"})
    place = f"{REPO}/entity/{lab.table.id}/table/filehandles"
    good = {"headers": [{"id": lab.ids["image"]}], "rows": [{"rowId": 1}]}

    assert 200 == lab.client.post(place, good).status
    assert 400 == lab.client.post(place, {**good, "headers": [{"id": lab.ids["label"]}]}).status
    assert 400 == lab.client.post(f"{REPO}/entity/{lab.project.id}/table/filehandles", good).status
    lab.client.grant(lab.project, "READ")
    assert 403 == lab.client.colleague().post(place, good).status


# who may write what


def test_writing_needs_update_and_the_quiz(lab):
    lab.add({"label": "a"})
    change = lab.partial(lab.cell(1, "label", "x"))
    lab.client.grant(lab.project, "READ", "DOWNLOAD")
    assert 403 == lab.transact(change, client=lab.client.colleague()).status

    lab.client.grant(lab.project, "READ", "UPDATE")
    assert 201 == lab.transact(change, client=lab.client.colleague()).status

    newcomer = lab.world.principals.add_user(lab.world, name="newcomer", is_certified=False)
    lab.client.grant(lab.project, "READ", "UPDATE", principal_id=newcomer.id)
    answer = lab.transact(change, client=lab.client.by(lab.world.principals.issue_token(newcomer.id)))
    assert (403, "USER_CERTIFICATION_REQUIRED") == (answer.status, answer.json["errorCode"])


@pytest.mark.parametrize(
    "body",
    [
        {"changes": []},
        {"changes": [], "snapshotOptions": {"snapshotComment": "x"}},
        {"changes": [{"concreteType": "Nonsense"}]},
        {"changes": "nonsense"},
    ],
)
def test_a_transaction_without_sense_is_refused(lab, body):
    assert 400 == lab.job("transaction", body).status


def test_snapshot_options_without_create_snapshot_are_refused(lab):
    change = lab.partial({"values": [{"key": lab.ids["label"], "value": "x"}]})

    assert 400 == lab.transact(change, snapshotOptions={"snapshotComment": "x"}).status
    assert {} == lab.versions()


def test_a_change_must_name_its_own_table_or_none(lab):
    row = {"values": [{"key": lab.ids["label"], "value": "x"}]}
    change = lab.partial(row)

    assert 400 == lab.transact({**change, "entityId": "syn1"}).status
    assert 400 == lab.transact({**change, "toAppend": {**change["toAppend"], "tableId": "syn1"}}).status
    del change["entityId"]
    assert 201 == lab.transact(change).status


def test_a_snapshot_cannot_be_written_to(lab):
    lab.add({"label": "a"})
    number = lab.client.post(f"{REPO}/entity/{lab.table.id}/table/snapshot", {}).json["snapshotVersionNumber"]

    change = lab.partial(lab.cell(1, "label", "x"))
    answer = lab.job("transaction", {"changes": [change]}, table=f"{lab.table.id}.{number}")

    assert 400 == answer.status


def test_all_changes_of_a_transaction_fail_together(lab):
    lab.add({"label": "a"})
    before = lab.world.tables.as_json()

    answer = lab.transact(lab.partial(lab.cell(1, "label", "x")), lab.partial(lab.cell(1, "size", "many")))

    assert (400, before) == (answer.status, lab.world.tables.as_json())


def test_later_changes_of_a_transaction_see_the_earlier_ones(lab):
    new = lab.partial({"values": [{"key": lab.ids["label"], "value": "x"}]})

    assert 201 == lab.transact(new, lab.partial(lab.cell(1, "size", "1"))).status
    assert {"label": "x", "size": "1"} == lab.cells(1)


def test_a_table_wears_out(lab, monkeypatch):
    """45,000 changes are the end of a table: one transaction per cell would get there."""
    monkeypatch.setattr(table_rows, "MOST_CHANGES", 2)
    lab.add({"label": "a"})
    change = lab.partial(lab.cell(1, "label", "x"))

    assert [201, 400] == [lab.transact(change).status for _ in range(2)]


# columns of a table


def test_a_schema_change_adds_renames_and_removes_columns(lab):
    lab.add({"label": "a", "size": "1"})
    text, extra = lab.column("size as text", "STRING"), lab.column("extra", "BOOLEAN")
    changes = [
        {"oldColumnId": lab.ids["size"], "newColumnId": text},
        {"oldColumnId": lab.ids["label"], "newColumnId": None},
        {"oldColumnId": None, "newColumnId": extra},
    ]
    order = [extra, text, lab.ids["image"]]
    change = {"concreteType": TABLE + "TableSchemaChangeRequest", "changes": changes, "orderedColumnIds": order}

    answer = lab.transact(change)

    assert order == [column["id"] for column in answer.json["results"][0]["schema"]]
    bundle = lab.client.post(f"{REPO}/entity/{lab.table.id}/bundle2", {"includeTableBundle": True}).json["tableBundle"]
    assert (order, 2_097_152 // (5 + 200 + 20)) == (
        [one["id"] for one in bundle["columnModels"]],
        bundle["maxRowsPerPage"],
    )
    assert [[None, "1", None]] == lab.values(f"SELECT * FROM {lab.table.id}")
    assert {1: 1} == lab.versions()


def test_values_that_do_not_fit_the_new_type_stop_a_schema_change(lab):
    lab.add({"label": "not a number"})
    number = lab.column("number", "INTEGER")
    changes = [{"oldColumnId": lab.ids["label"], "newColumnId": number}]

    assert 400 == lab.transact({"concreteType": TABLE + "TableSchemaChangeRequest", "changes": changes}).status
    assert {"label": "not a number"} == lab.cells(1)


def test_the_order_of_a_new_schema_must_name_each_column_once(lab):
    change = {"concreteType": TABLE + "TableSchemaChangeRequest", "orderedColumnIds": [lab.ids["label"]]}

    assert 400 == lab.transact(change).status


def test_a_column_taken_away_through_the_entity_takes_its_cells_along(lab):
    lab.add({"label": "a", "size": "1"})
    place = f"{REPO}/entity/{lab.table.id}"
    for ids in ([lab.ids["label"]], [lab.ids["label"], lab.ids["size"]]):
        lab.client.put(place, {**lab.client.get(place).json, "columnIds": ids})
        lab.values(f"SELECT * FROM {lab.table.id}")

    assert [["a", None]] == lab.values(f"SELECT * FROM {lab.table.id}")


def test_unknown_columns_and_two_of_one_name_cannot_make_a_table(lab):
    body = {"concreteType": TABLE + "TableEntity", "name": "bad", "parentId": lab.project.id}
    twin = lab.column("label", "INTEGER")

    assert 404 == lab.client.post(f"{REPO}/entity", {**body, "columnIds": ["1"]}).status
    assert 400 == lab.client.post(f"{REPO}/entity", {**body, "columnIds": [lab.ids["label"], twin]}).status


# snapshots


def test_a_snapshot_freezes_the_version_in_progress_and_opens_the_next(lab):
    lab.add({"label": "old"})
    place = f"{REPO}/entity/{lab.table.id}"

    answer = lab.client.post(f"{place}/table/snapshot", {"snapshotComment": "before", "snapshotLabel": "one"})
    lab.transact(lab.partial(lab.cell(1, "label", "new")))

    assert (201, {"snapshotVersionNumber": 1}) == (answer.status, answer.json)
    assert 2 == lab.client.get(place).json["versionNumber"]
    (listed,) = lab.client.get(f"{place}/version").json["results"]
    assert (1, "one", "before") == (listed["versionNumber"], listed["versionLabel"], listed["versionComment"])
    assert [["old"]] == lab.values(f"SELECT label FROM {lab.table.id}.1")
    assert [["new"]] == lab.values(f"SELECT label FROM {lab.table.id}")


def test_a_transaction_may_end_with_a_snapshot_of_what_it_did(lab):
    lab.add({"label": "old"})

    answer = lab.transact(
        lab.partial(lab.cell(1, "label", "new")), createSnapshot=True, snapshotOptions={"snapshotComment": "after"}
    )

    assert 1 == answer.json["snapshotVersionNumber"]
    assert [["new"]] == lab.values(f"SELECT label FROM {lab.table.id}.1")


def test_a_snapshot_needs_no_changes(lab):
    assert 1 == lab.transact(createSnapshot=True).json["snapshotVersionNumber"]


def test_a_label_is_used_once_and_a_second_time_changes_nothing(lab):
    lab.add({"label": "a"})
    place = f"{REPO}/entity/{lab.table.id}/table/snapshot"
    assert 201 == lab.client.post(place, {"snapshotLabel": "Release"}).status

    options = {"snapshotLabel": "release"}
    change = lab.partial(lab.cell(1, "label", "x"))
    assert 400 == lab.client.post(place, options).status
    assert 400 == lab.transact(change, createSnapshot=True, snapshotOptions=options).status
    assert {"label": "a"} == lab.cells(1)


def test_a_snapshot_keeps_its_columns_when_the_table_loses_them(lab):
    lab.add({"label": "a", "size": "1"})
    lab.client.post(f"{REPO}/entity/{lab.table.id}/table/snapshot", {})
    changes = [{"oldColumnId": lab.ids["size"], "newColumnId": None}]
    lab.transact({"concreteType": TABLE + "TableSchemaChangeRequest", "changes": changes})

    assert [[None, "a", "1"]] == lab.values(f"SELECT * FROM {lab.table.id}.1")
    version = lab.client.post(f"{REPO}/entity/{lab.table.id}/version/1/bundle2", {"includeTableBundle": True}).json
    assert list(lab.ids.values()) == [column["id"] for column in version["tableBundle"]["columnModels"]]


def test_an_unknown_activity_stops_the_transaction_before_it_writes(lab):
    lab.add({"label": "a"})
    change = lab.partial(lab.cell(1, "label", "x"))

    answer = lab.transact(change, createSnapshot=True, snapshotOptions={"snapshotActivityId": "1"})

    assert (404, {"label": "a"}) == (answer.status, lab.cells(1))


def test_snapshots_are_for_tables_and_for_those_who_may_write(lab):
    assert 400 == lab.client.post(f"{REPO}/entity/{lab.project.id}/table/snapshot", {}).status
    lab.client.grant(lab.project, "READ", "DOWNLOAD")
    assert 403 == lab.client.colleague().post(f"{REPO}/entity/{lab.table.id}/table/snapshot", {}).status


def test_the_entity_route_makes_no_version_of_a_table(lab):
    place = f"{REPO}/entity/{lab.table.id}"

    answer = lab.client.put(f"{place}?newVersion=true", lab.client.get(place).json)

    assert (200, 1) == (answer.status, answer.json["versionNumber"])


# size


def test_ten_thousand_rows_with_two_files_are_quick(lab):
    """Built, indexed, repointed and read again: generous here, a second is a long time for one event loop."""
    other = lab.column("report", "FILEHANDLEID")
    table = lab.make_table("large", lab.ids["image"], other)
    handles = [lab.handle(f"3412/{number}/a.csv").id for number in range(20)]
    began = time.perf_counter()
    rows = ({lab.ids["image"]: handles[n % 20], other: handles[n % 7]} for n in range(10_000))
    lab.world.tables.append(lab.world, table, rows, user_id=lab.client.user.id)
    sql = f"SELECT image, report FROM {table.id} WHERE ROW_ID > 0 ORDER BY ROW_ID"
    found = lab.values(sql)
    pairs = [{"key": lab.ids["image"], "value": handles[0]}, {"key": other, "value": handles[1]}]
    change = lab.partial(*({"rowId": row_id, "values": pairs} for row_id in range(1, 10_001)))
    change["entityId"] = change["toAppend"]["tableId"] = table.id
    assert 201 == lab.job("transaction", {"changes": [change]}, table=table.id).status
    changed = lab.values(sql)
    took = time.perf_counter() - began

    assert ([handles[0], handles[1]] * 1, 10_000, 10_000) == (changed[-1], len(found), len(changed))
    assert took < 5
