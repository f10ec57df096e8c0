"""Entity views: what they show, to whom, and how late (contract 9.10)."""

import time
from datetime import timedelta

import pytest

from sandbox.synapse import views
from sandbox.synapse.entities import Entity, number_of
from sandbox.synapse.kinds import Kind
from tests.unit.sandbox.table_lab import REPO, TABLE, TableLab

FILES, PROJECTS, TABLES, FOLDERS = 0x1, 0x2, 0x4, 0x8


@pytest.fixture
def lab() -> TableLab:
    made = TableLab()
    made.world.clock.wait_scale = 1.0
    return made


def make_view(lab, *scope: Entity, mask=FILES, names=(), extra=()) -> str:
    """A view with the default columns of these names, and extra ones."""
    known = lab.client.get(f"{REPO}/column/tableview/defaults?viewEntityType=entityview&viewTypeMask=1").json["list"]
    ids = [one["id"] for one in known if not names or one["name"] in names]
    body = {
        "concreteType": TABLE + "EntityView",
        "name": f"view {len(lab.world.entities)}",
        "parentId": lab.project.id,
        "scopeIds": [one.id for one in scope or (lab.project,)],
        "viewTypeMask": mask,
        "columnIds": [*ids, *extra],
    }
    made = lab.client.post(f"{REPO}/entity", body)
    assert made.status == 201, made.body
    return str(made.json["id"])


def result(lab, sql, client=None):
    answer = lab.query(sql, client=client)
    assert answer.status == 201, answer.body
    return answer.json["queryResult"]["queryResults"]


def names(lab, view, client=None):
    return [row["values"][0] for row in result(lab, f"SELECT name FROM {view} ORDER BY name", client)["rows"]]


def test_a_view_shows_the_current_versions_of_the_files_below(lab):
    folder = lab.client.folder(lab.client.folder(lab.project, "a"), "b")
    handle = lab.handle()
    file = lab.client.file(folder, lab.handle(), "x.csv")
    lab.world.entities.add_version(lab.world, file, modified_by=lab.client.user.id, handle_id=handle.id)
    view = make_view(lab)

    shown = result(lab, f"SELECT * FROM {view}")

    (row,) = shown["rows"]
    assert (number_of(file.id), 2, file.etag) == (row["rowId"], row["versionNumber"], row["etag"])
    values = dict(zip([header["name"] for header in shown["headers"]], row["values"], strict=True))
    expected = {
        "id": file.id,
        "name": "x.csv",
        "path": "project/a/b/x.csv",
        "type": "file",
        "currentVersion": "2",
        "parentId": folder.id,
        "projectId": lab.project.id,
        "benefactorId": lab.project.id,
        "dataFileHandleId": handle.id,
        "dataFileSizeBytes": "1",
        "dataFileMD5Hex": handle.content_md5,
        "dataFileBucket": handle.bucket,
        "dataFileKey": handle.key,
        "dataFileConcreteType": handle.kind.value,
    }
    assert expected == {name: values[name] for name in expected}
    assert abs(int(values["createdOn"]) - time.time() * 1000) < 60_000


@pytest.mark.parametrize(
    ("mask", "shown"),
    [
        (FILES, ["file"]),
        (FOLDERS, ["folder"]),
        (FILES | FOLDERS, ["file", "folder"]),
        (PROJECTS, ["project"]),
        (TABLES, ["slides"]),
    ],
)
def test_the_mask_says_which_kinds(lab, mask, shown):
    lab.client.file(lab.client.folder(lab.project), name="file")

    assert shown == names(lab, make_view(lab, mask=mask))


def test_the_scope_says_where_and_each_file_comes_once(lab):
    inside, outside = lab.client.folder(lab.project, "in"), lab.client.folder(lab.project, "out")
    deeper = lab.client.folder(inside, "deeper")
    lab.client.file(deeper, name="wanted")
    lab.client.file(outside, name="unwanted")

    assert ["wanted"] == names(lab, make_view(lab, inside, deeper))


def test_annotations_are_columns_and_what_does_not_fit_is_null(lab):
    site, number, tags = lab.column("site", "STRING"), lab.column("count", "INTEGER"), lab.column("tags", "STRING_LIST")
    file = lab.client.file(lab.project, name="x")
    file.current.annotations = {
        "site": {"type": "STRING", "value": ["Kyoto"]},
        "count": {"type": "STRING", "value": ["many"]},
        "tags": {"type": "STRING", "value": ["a", "b"]},
    }
    view = make_view(lab, names=("id",), extra=(site, number, tags))

    (row,) = result(lab, f'SELECT site, "count", tags FROM {view}')["rows"]
    assert ["Kyoto", None, '["a", "b"]'] == row["values"]


def test_people_see_the_rows_they_may_read_downloads_aside(lab):
    closed = lab.client.folder(lab.project, "closed")
    lab.client.file(lab.project, name="open")
    lab.client.file(closed, name="secret")
    view = make_view(lab)
    lab.client.grant(lab.project, "READ")
    lab.client.grant(closed)

    assert ["open", "secret"] == names(lab, view)
    assert ["open"] == names(lab, view, lab.client.colleague())


def test_a_list_of_rights_put_up_later_counts_at_once(lab):
    folder = lab.client.folder(lab.project)
    lab.client.file(folder, name="x")
    view = make_view(lab)
    lab.client.grant(lab.project, "READ")
    assert ["x"] == names(lab, view, lab.client.colleague())

    lab.client.grant(folder)

    assert [] == names(lab, view, lab.client.colleague())


def test_a_view_can_be_asked_by_key_and_counted(lab):
    files = [lab.client.file(lab.project, name=f"f{number}") for number in range(5)]
    view = make_view(lab)

    rows = result(lab, f"SELECT id FROM {view} WHERE ROW_ID > {files[1].id[3:]} ORDER BY ROW_ID LIMIT 2")["rows"]
    assert [files[2].id, files[3].id] == [row["values"][0] for row in rows]
    assert [["5"]] == lab.values(f"SELECT COUNT(*) FROM {view}")


def test_a_view_without_lag_follows_every_change(lab):
    view = make_view(lab)
    assert [] == names(lab, view)
    file = lab.client.file(lab.project, name="x")
    assert ["x"] == names(lab, view)
    lab.world.entities.set_handle(file, file.current, "77")
    lab.world.entities.touch(lab.world, file, lab.client.user.id)
    assert [None] == [row["values"][0] for row in result(lab, f"SELECT dataFileKey FROM {view}")["rows"]]
    lab.client.delete(f"{REPO}/entity/{file.id}")
    assert [] == names(lab, view)


def test_a_view_with_lag_shows_what_was(lab):
    """Not fit to confirm a write."""
    lab.world.tables.views.lag_seconds = 30
    view = make_view(lab)
    assert [] == names(lab, view)
    lab.client.file(lab.project, name="x")

    assert [] == names(lab, view)
    lab.world.clock.shift += timedelta(seconds=31)
    assert ["x"] == names(lab, view)


def test_answers_of_views_are_not_kept(lab):
    view = make_view(lab)
    body = {"query": {"sql": f"SELECT id FROM {view}"}}
    place = f"{REPO}/entity/{view}/table/query/async/start"

    assert lab.client.post(place, body).json["token"] != lab.client.post(place, body).json["token"]


def test_a_download_of_a_view_has_etags(lab):
    file = lab.client.file(lab.project, name="x")
    view = make_view(lab, names=("name",))

    answer = lab.job("download/csv", {"sql": f"SELECT name FROM {view}"}, table=view).json

    text = lab.content(answer["resultsFileHandleId"]).decode()
    assert f"ROW_ID,ROW_VERSION,ROW_ETAG,name\n{file.id[3:]},1,{file.etag},x\n" == text


def test_a_scope_of_too_many_containers_fails_the_query(lab, monkeypatch):
    monkeypatch.setattr(views, "MOST_CONTAINERS", 2)
    first = lab.client.folder(lab.project, "a")
    view = make_view(lab)
    assert [] == names(lab, view)
    lab.client.folder(first, "b")

    assert 400 == lab.query(f"SELECT id FROM {view}").status


def test_a_snapshot_of_a_view_stays_as_it_was_and_stands_alone(lab):
    lab.client.file(lab.project, name="x")
    view = make_view(lab)
    schema = {"concreteType": TABLE + "TableSchemaChangeRequest", "changes": []}
    assert 400 == lab.job("transaction", {"changes": [schema], "createSnapshot": True}, table=view).status
    assert 400 == lab.client.post(f"{REPO}/entity/{view}/table/snapshot", {}).status

    answer = lab.job("transaction", {"createSnapshot": True}, table=view)
    lab.client.file(lab.project, name="y")

    assert 1 == answer.json["snapshotVersionNumber"]
    assert (["x"], ["x", "y"]) == (names(lab, f"{view}.1"), names(lab, view))


def test_columns_of_a_view_are_changed_by_a_transaction_and_rows_are_not(lab):
    view = make_view(lab, names=("name",))
    (added,) = (
        one["id"]
        for one in lab.client.get(f"{REPO}/column/tableview/defaults?viewTypeMask=1").json["list"]
        if one["name"] == "path"
    )
    changes = [{"oldColumnId": None, "newColumnId": added}]
    schema = {"concreteType": TABLE + "TableSchemaChangeRequest", "changes": changes}
    assert 201 == lab.job("transaction", {"changes": [schema]}, table=view).status
    lab.client.file(lab.project, name="x")

    assert [["x", "project/x"]] == lab.values(f"SELECT * FROM {view}")
    row = {"rowId": 1, "values": []}
    append = {"toAppend": {"concreteType": TABLE + "PartialRowSet", "tableId": view, "rows": [row]}}
    refused = {"concreteType": TABLE + "AppendableRowSetRequest", **append}
    assert 400 == lab.job("transaction", {"changes": [refused]}, table=view).status


def test_making_a_view_needs_create_on_its_parent(lab):
    lab.client.grant(lab.project, "READ", "DOWNLOAD")
    body = {"concreteType": TABLE + "EntityView", "name": "v", "parentId": lab.project.id, "viewTypeMask": 1}

    assert 403 == lab.client.colleague().post(f"{REPO}/entity", body).status


def test_cells_of_files_cannot_be_asked_of_a_view(lab):
    view = make_view(lab)
    body = {"headers": [{"id": lab.ids["image"]}], "rows": [{"rowId": 1}]}

    assert 400 == lab.client.post(f"{REPO}/entity/{view}/table/filehandles", body).status
    assert Kind.ENTITY_VIEW is lab.world.entities.require(view).kind


def test_a_view_can_be_made_to_leave_out_a_file_and_to_show_another_as_it_was(lab):
    missing, held, other = (lab.client.file(lab.project, lab.handle(), name) for name in ("a", "b", "c"))
    views = lab.world.tables.views
    view = make_view(lab)
    old_handle, new_handle = held.current.handle_id, lab.handle().id
    views.unshown.add(missing.id)
    views.hold(lab.world, [held.id])
    for file in (held, other):
        lab.world.entities.add_version(lab.world, file, modified_by=lab.client.user.id, handle_id=new_handle)

    def shown():
        rows = result(lab, f"SELECT name, dataFileHandleId FROM {view} ORDER BY name")["rows"]
        return [(*row["values"], row["versionNumber"]) for row in rows]

    assert [("b", old_handle, 1), ("c", new_handle, 2)] == shown()
    views.unshown.clear()
    views.hold(lab.world, [])
    assert [("a", missing.current.handle_id, 1), ("b", new_handle, 2), ("c", new_handle, 2)] == shown()
