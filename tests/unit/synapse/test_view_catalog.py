"""File views through the adapter: what is asked, page after page, and what is made of the answers."""

import json

import httpx
import pytest

from storage_core.errors import BadRequest, StillRunning
from storage_core.model.entities import UNKNOWN_BODY, EntityKind
from storage_core.model.ids import EntityId
from storage_core.synapse.view_catalog import SynapseViewCatalog

VIEW = EntityId("syn900")
MOMENT, STAMP = 1_714_979_289_123, "2024-05-06T07:08:09.123Z"


@pytest.fixture
def catalog(lab):
    return SynapseViewCatalog(lab.transport, lab.clock)


class Service:
    """Answers queries and headers of files 10 to 10 + *files*, in pages of *page* rows."""

    def __init__(self, *, files: int, page: int, polls: int = 0) -> None:
        self.files, self.page, self.polls = files, page, polls
        self.sent: list[str] = []
        self.stale: set[str] = set()
        self.rows: list[dict] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/repo/v1")
        if path.endswith("/start"):
            sql = json.loads(request.content)["query"]["sql"]
            self.sent.append(sql)
            after = int(sql.split("ROW_ID > ")[1].split()[0])
            ids = [one for one in range(10, 10 + self.files) if one > after][: self.page]
            self.rows = [
                {"rowId": one, "versionNumber": 2, "etag": f"e{one}", "values": self.cells(one)} for one in ids
            ]
            return httpx.Response(201, json={"token": "1"})
        if path.endswith("/get/1"):
            if self.polls:
                self.polls -= 1
                return httpx.Response(202, json={"jobState": "PROCESSING"})
            result = {"queryResults": {"headers": [], "rows": self.rows}}
            return httpx.Response(201, json={"queryResult": result, "maxRowsPerPage": self.page})
        if path.endswith("/cancel"):
            return httpx.Response(204)
        assert path == "/entity/header", path
        ids = [one["targetId"] for one in json.loads(request.content)["references"]]
        return httpx.Response(200, json={"results": [self.header(one) for one in reversed(ids)]})

    def cells(self, one: int) -> list[str | None]:
        return [f"syn{one}", "2", str(MOMENT), str(90_000 + one), "syn1"]

    def header(self, entity_id: str) -> dict:
        return {
            "id": entity_id,
            "name": f"file {entity_id}.csv",
            "type": "org.sagebionetworks.repo.model.FileEntity",
            "versionNumber": 3 if entity_id in self.stale else 2,
            "createdOn": "2024-01-02T03:04:05.000Z",
            "createdBy": "3412",
            "modifiedOn": STAMP,
            "modifiedBy": "3413",
        }


def syn(*numbers: int) -> list[EntityId]:
    return [EntityId(f"syn{number}") for number in numbers]


def test_rows_are_asked_for_between_the_lowest_and_the_highest_id_and_page_by_page(lab, catalog):
    lab.answer = service = Service(files=5, page=2)
    shown = lab.run(catalog.files_shown(VIEW, syn(14, 10, 12), with_bodies=False))
    assert ["syn10", "syn12", "syn14"] == [one.entity_id for one in shown]
    columns = 'SELECT "id", "currentVersion", "modifiedOn", "dataFileHandleId", "parentId" FROM syn900'
    assert [
        f"{columns} WHERE ROW_ID > {after} AND ROW_ID <= 14 ORDER BY ROW_ID LIMIT 20000" for after in (9, 11, 13)
    ] == service.sent


def test_a_shown_file_has_all_that_is_known_and_says_what_is_not(lab, catalog):
    lab.answer = Service(files=1, page=10)
    (one,) = lab.run(catalog.files_shown(VIEW, syn(10), with_bodies=False))
    assert ("syn10", "file syn10.csv", "syn1", 2, "e10", "90010") == (
        one.entity_id,
        one.name,
        one.parent_id,
        one.version,
        one.etag,
        one.handle_id,
    )
    assert (True, None, UNKNOWN_BODY, False) == (one.is_latest, one.handle, one.body, one.knows_activity)


def test_a_file_that_is_newer_than_the_view_is_not_taken_from_it(lab, catalog):
    lab.answer = service = Service(files=3, page=10)
    service.stale.add("syn11")
    shown = lab.run(catalog.files_shown(VIEW, syn(10, 11, 12), with_bodies=False))
    assert ["syn10", "syn12"] == [one.entity_id for one in shown]


def test_rows_without_a_handle_are_passed_over(lab, catalog):
    """A view may show folders, too; and a column may be null."""
    lab.answer = service = Service(files=2, page=10)
    service.cells = lambda one: [f"syn{one}", "2", str(MOMENT), None if one == 10 else "90", "syn1"]
    assert ["syn11"] == [one.entity_id for one in lab.run(catalog.files_shown(VIEW, syn(10, 11), with_bodies=False))]


def test_the_body_made_of_row_and_header_is_that_of_a_file_without_description(lab, catalog):
    lab.answer = service = Service(files=1, page=10)
    (one,) = lab.run(catalog.files_shown(VIEW, syn(10), with_bodies=True))
    assert 'AND "description" IS NULL' in service.sent[0]
    assert {
        "concreteType": "org.sagebionetworks.repo.model.FileEntity",
        "id": "syn10",
        "name": "file syn10.csv",
        "parentId": "syn1",
        "etag": "e10",
        "createdOn": "2024-01-02T03:04:05.000Z",
        "createdBy": "3412",
        "modifiedOn": STAMP,
        "modifiedBy": "3413",
        "versionNumber": 2,
        "dataFileHandleId": "90010",
    } == json.loads(one.body.json_text)


def test_many_files_are_looked_up_in_headers_by_the_thousand(lab, catalog):
    lab.answer = Service(files=12_000, page=14_000)
    shown = lab.run(catalog.files_shown(VIEW, syn(*range(10, 12_010)), with_bodies=False))
    assert 12_000 == len(shown)
    paths = [request.url.path for request in lab.requests]
    assert 3 == paths.count("/repo/v1/entity/header")
    assert max(len(request.content) for request in lab.requests) < 2_097_152


def test_a_view_that_does_not_get_ready_is_waited_for_ten_minutes_and_no_longer(lab, catalog):
    lab.answer = Service(files=1, page=10, polls=10_000)
    with pytest.raises(StillRunning, match="10 minutes"):
        lab.run(catalog.files_shown(VIEW, syn(10), with_bodies=False))
    assert 600 <= sum(lab.clock.waits) < 620


def test_a_view_is_made_of_the_columns_there_are(lab, catalog):
    names = ("description", "id", "etag", "modifiedOn", "currentVersion", "parentId", "dataFileHandleId")
    offered = [{"id": str(number), "name": name} for number, name in enumerate(names)]
    lab.answers = [httpx.Response(200, json={"list": offered}), httpx.Response(201, json={"id": "syn900"})]
    made = lab.run(catalog.make_file_view(name="n", parent_id=EntityId("syn1"), scope=syn(1, 2)))
    assert (VIEW, ["1", "4", "3", "6", "5", "0"]) == (made, json.loads(lab.requests[1].content)["columnIds"])
    assert ["syn1", "syn2"] == json.loads(lab.requests[1].content)["scopeIds"]


def test_a_service_that_offers_other_columns_gets_no_view(lab, catalog):
    lab.answers = [httpx.Response(200, json={"list": [{"id": "1", "name": "id"}]})]
    with pytest.raises(BadRequest, match="dataFileHandleId"):
        lab.run(catalog.make_file_view(name="n", parent_id=EntityId("syn1"), scope=syn(1)))


def test_what_a_view_is_made_of_is_read_from_its_bundle(lab, catalog):
    entity = {
        "id": "syn900",
        "concreteType": "org.sagebionetworks.repo.model.table.EntityView",
        "scopeIds": ["12", "syn13"],
        "viewTypeMask": 9,
    }
    columns = {"columnModels": [{"id": "1", "name": "id", "columnType": "ENTITYID"}]}
    lab.answers = [httpx.Response(200, json={"entity": entity, "tableBundle": columns})]
    view = lab.run(catalog.file_view(VIEW))
    assert (EntityKind.ENTITY_VIEW, {"syn12", "syn13"}, True, {"id"}) == (
        view.kind,
        view.scope,
        view.shows_files,
        view.columns,
    )


def test_only_a_view_is_found_by_its_name(lab, catalog):
    """What is found is deleted."""
    folder = {"id": "syn5", "name": "n", "type": "org.sagebionetworks.repo.model.Folder"}
    lab.answers = [httpx.Response(200, json={"id": "syn5"}), httpx.Response(200, json=folder)]
    assert lab.run(catalog.file_view_named("n", EntityId("syn1"))) is None
    lab.answers = [httpx.Response(404, json={"reason": "none"})]
    assert lab.run(catalog.file_view_named("n", EntityId("syn1"))) is None


def test_deleting_passes_the_trash_by_and_a_view_that_is_gone_is_fine(lab, catalog):
    lab.answers = [httpx.Response(404, json={"reason": "gone"})]
    lab.run(catalog.delete_file_view(VIEW))
    assert "skipTrashCan=true" in str(lab.requests[0].url)
