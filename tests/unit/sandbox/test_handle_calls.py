"""Reading, copying and deleting handles, with the hazards of the service (contract 7.3 to 7.5)."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.synapse.entities import Entity
from sandbox.synapse.handles import HandleKind
from sandbox.synapse.locations import SYNAPSE_BUCKET
from tests.unit.sandbox.synapse_client import MD5_B, PACKAGE, Client, Reply

BATCH = "/file/v1/fileHandle/batch"
HANDLE = "/file/v1/fileHandle"


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def file(client: Client) -> Entity:
    """A file of the demo user that the colleague may read and download."""
    project = client.project()
    client.grant(project, "READ", "DOWNLOAD")
    return client.file(project)


def wanted(handle_id: str | None, entity: Entity | str, kind: str = "FileEntity") -> dict[str, Any]:
    object_id = entity if isinstance(entity, str) else entity.id
    return {"fileHandleId": handle_id, "associateObjectId": object_id, "associateObjectType": kind}


def batch(client: Client, *entries: dict[str, Any], **flags: bool) -> Reply:
    return client.post(BATCH, {"requestedFiles": list(entries), **(flags or {"includeFileHandles": True})})


def failures(answer: Reply) -> list[str | None]:
    return [entry.get("failureCode") for entry in answer.json["requestedFiles"]]


def test_a_batch_answers_201_in_the_order_of_the_request(client: Client, file: Entity) -> None:
    other = client.file(client.world.entities.ancestors(file.id)[0], client.handle(), "b.csv")
    ids = [other.current.handle_id, file.current.handle_id]

    answer = batch(client.colleague(), wanted(ids[0], other), wanted(ids[1], file))

    assert 201 == answer.status
    assert ids == [entry["fileHandleId"] for entry in answer.json["requestedFiles"]]
    assert ids == [entry["fileHandle"]["id"] for entry in answer.json["requestedFiles"]]


def test_a_batch_holds_1_to_100_entries_and_asks_for_something(client: Client, file: Entity) -> None:
    entry = wanted(file.current.handle_id, file)

    assert 400 == batch(client).status
    assert 201 == batch(client, *[entry] * 100).status
    assert 400 == batch(client, *[entry] * 101).status
    assert 400 == batch(client, entry, includeFileHandles=False).status


def test_entries_fail_one_by_one(client: Client, file: Entity) -> None:
    """Not associated, no such handle, no such entity, trashed entity: each only spoils its own entry."""
    project = client.world.entities.ancestors(file.id)[0]
    loose = client.handle()
    trashed = client.file(project, client.handle(), "gone.csv")
    client.world.entities.trash(trashed)

    answer = batch(
        client.colleague(),
        wanted(loose.id, file),
        wanted("999999", file),
        wanted(file.current.handle_id, "syn999999"),
        wanted(trashed.current.handle_id, trashed),
        wanted(file.current.handle_id, file),
    )

    assert ["UNAUTHORIZED"] * 4 + [None] == failures(answer)


def test_a_file_that_still_names_a_deleted_handle_gives_not_found(client: Client, file: Entity) -> None:
    client.world.handles.remove(str(file.current.handle_id))

    assert ["NOT_FOUND"] == failures(batch(client, wanted(file.current.handle_id, file)))


def test_a_handle_of_any_version_counts(client: Client, file: Entity) -> None:
    old = file.current.handle_id
    client.world.entities.add_version(client.world, file, modified_by="3412", handle_id=client.handle(MD5_B).id)

    assert [None] == failures(batch(client.colleague(), wanted(old, file)))


def test_the_creator_is_authorised_whatever_the_association_says(client: Client, file: Entity) -> None:
    loose = client.handle()

    assert [None] == failures(batch(client, wanted(loose.id, file)))


def test_download_is_needed_and_a_requirement_must_be_met(client: Client, file: Entity) -> None:
    entry = wanted(file.current.handle_id, file)
    client.world.access.restrict(file.id)
    assert ["UNAUTHORIZED"] == failures(batch(client.colleague(), entry))

    client.grant(client.world.entities.ancestors(file.id)[0], "READ")

    assert ["UNAUTHORIZED"] == failures(batch(client.colleague(), entry))


@pytest.mark.parametrize(
    "broken",
    [
        wanted("1", "abc"),
        wanted("abc", "syn1"),
        wanted(None, "syn1"),
        wanted("1", ""),
        wanted("1", "syn1", ""),
        wanted("1", "syn1", "Nonsense"),
    ],
)
def test_one_malformed_entry_fails_the_whole_batch(client: Client, file: Entity, broken: dict[str, Any]) -> None:
    assert 400 == batch(client, wanted(file.current.handle_id, file), broken).status


@pytest.mark.parametrize("kind", ["WikiAttachment", "WikiMarkdown", "SubmissionAttachment"])
def test_one_missing_wiki_or_submission_fails_the_whole_batch(client: Client, file: Entity, kind: str) -> None:
    good = wanted(file.current.handle_id, file)

    assert 404 == batch(client, good, wanted(file.current.handle_id, "123", kind)).status
    assert [None, "UNAUTHORIZED"] == failures(batch(client, good, wanted("999999", "123", "TeamAttachment")))


def test_presigned_addresses_live_30_seconds(client: Client, file: Entity) -> None:
    answer = batch(client, wanted(file.current.handle_id, file), includePreSignedURLs=True)

    [entry] = answer.json["requestedFiles"]
    assert "fileHandle" not in entry
    assert ["30"] == parse_qs(urlsplit(entry["preSignedURL"]).query)["X-Amz-Expires"]


def test_a_single_handle_is_for_its_creator_alone(client: Client, file: Entity) -> None:
    address = f"{HANDLE}/{file.current.handle_id}"

    assert file.current.handle_id == client.get(address).json["id"]
    assert 403 == client.colleague().get(address).status
    assert 404 == client.get(f"{HANDLE}/999999").status


def test_addresses_come_as_text_or_as_a_redirect(client: Client, file: Entity) -> None:
    handle_id = file.current.handle_id
    through = f"/file/v1/file/{handle_id}?fileAssociateType=FileEntity&fileAssociateId={file.id}"

    own = client.get(f"{HANDLE}/{handle_id}/url?redirect=false")
    theirs = client.colleague().get(f"{through}&redirect=false")
    redirected = client.colleague().get(through)

    assert (200, 200, 307) == (own.status, theirs.status, redirected.status)
    assert own.body.startswith(b"http")
    assert theirs.body.startswith(b"http")
    assert redirected.headers["location"].startswith("http")
    assert own.headers["content-type"].startswith("text/plain")
    assert 403 == client.colleague().get(f"{HANDLE}/{handle_id}/url?redirect=false").status


def test_an_external_handle_leads_to_its_own_address(client: Client) -> None:
    handle = client.world.handles.add(
        client.world, kind=HandleKind.EXTERNAL, created_by="3412", external_url="https://example.org/x"
    )

    assert b"https://example.org/x" == client.get(f"{HANDLE}/{handle.id}/url?redirect=false").body
    assert "https://example.org/x" == client.get(f"{HANDLE}/{handle.id}").json["externalURL"]


def test_the_handles_of_an_entity_need_download(client: Client, file: Entity) -> None:
    address = f"/repo/v1/entity/{file.id}/filehandles"
    assert [file.current.handle_id] == [handle["id"] for handle in client.colleague().get(address).json["list"]]

    client.grant(client.world.entities.ancestors(file.id)[0], "READ")

    assert 403 == client.colleague().get(address).status


def test_a_handle_that_is_its_own_preview_shows_twice(client: Client, file: Entity) -> None:
    """What a multipart copy without preview leaves behind (contract 8.7)."""
    handle_id = str(file.current.handle_id)
    client.world.handles.change(handle_id, preview_id=handle_id)

    assert [handle_id] * 2 == [
        handle["id"] for handle in client.get(f"/repo/v1/entity/{file.id}/version/1/filehandles").json["list"]
    ]


def test_a_handle_in_use_cannot_be_deleted_and_an_unknown_one_can(client: Client, file: Entity) -> None:
    assert 409 == client.delete(f"{HANDLE}/{file.current.handle_id}").status
    assert (200, b"") == (client.delete(f"{HANDLE}/999999").status, client.delete(f"{HANDLE}/999999").body)


def test_a_handle_cannot_be_deleted_while_a_message_uses_it(client: Client) -> None:
    handle = client.world.handles.change(client.handle().id, content_type="text/plain")
    sent = client.post("/repo/v1/message", {"recipients": ["3413"], "subject": "hi", "fileHandleId": handle.id})

    assert (201, 409) == (sent.status, client.delete(f"{HANDLE}/{handle.id}").status)


def table_with(client: Client, project: Entity, handle_id: str) -> Entity:
    """A table with one row whose only cell names the handle."""
    column = client.post("/repo/v1/column", {"name": "image", "columnType": "FILEHANDLEID"}).json["id"]
    body = {
        "concreteType": PACKAGE + "table.TableEntity",
        "name": "table",
        "parentId": project.id,
        "columnIds": [column],
    }
    table = client.world.entities.require(client.post("/repo/v1/entity", body).json["id"])
    client.world.tables.append(client.world, table, [{column: handle_id}], user_id="3412")
    return table


def test_a_cell_lets_those_who_may_read_and_download_the_table_have_the_handle(client: Client, file: Entity) -> None:
    project = client.world.entities.ancestors(file.id)[0]
    handle = client.handle(key="3412/x/cell")
    table = table_with(client, project, handle.id)
    in_cell, elsewhere = wanted(handle.id, table, "TableEntity"), wanted(handle.id, table)

    assert [None, "UNAUTHORIZED"] == failures(batch(client.colleague(), in_cell, elsewhere))
    client.grant(table, "DOWNLOAD")
    assert ["UNAUTHORIZED"] == failures(batch(client.colleague(), in_cell))


def test_a_handle_that_only_a_cell_uses_can_be_deleted_and_the_cell_dangles(client: Client, file: Entity) -> None:
    """Table cells are not protected (contract 7.4); the dangling cell then answers NOT_FOUND (7.3)."""
    handle = client.handle(key="3412/x/cell")
    table = table_with(client, client.world.entities.ancestors(file.id)[0], handle.id)

    assert 200 == client.delete(f"{HANDLE}/{handle.id}").status

    assert client.world.objects.find(SYNAPSE_BUCKET, "3412/x/cell") is None
    assert ["NOT_FOUND"] == failures(batch(client, wanted(handle.id, table, "TableEntity")))


def test_only_the_creator_deletes_a_handle(client: Client) -> None:
    handle = client.handle()

    assert 403 == client.colleague().delete(f"{HANDLE}/{handle.id}").status
    assert 200 == client.delete(f"{HANDLE}/{handle.id}").status
    assert 404 == client.get(f"{HANDLE}/{handle.id}").status


def test_deleting_takes_the_object_even_while_one_other_handle_uses_it(client: Client, file: Entity) -> None:
    """The service's guard counts wrongly: one remaining user is taken for none (contract 7.4)."""
    copy_id = client.post(f"{HANDLE}/{file.current.handle_id}/copy", {}).json["id"]

    assert 200 == client.delete(f"{HANDLE}/{copy_id}").status

    assert client.world.objects.find(SYNAPSE_BUCKET, "3412/x/a.csv") is None


def test_deleting_spares_the_object_while_two_others_use_it(client: Client, file: Entity) -> None:
    copies = [client.post(f"{HANDLE}/{file.current.handle_id}/copy", {}).json["id"] for _ in range(2)]

    client.delete(f"{HANDLE}/{copies[0]}")

    assert client.world.objects.find(SYNAPSE_BUCKET, "3412/x/a.csv") is not None


def test_a_copy_is_a_new_record_of_the_callers_for_the_same_object(client: Client, file: Entity) -> None:
    request = {"originalFile": wanted(file.current.handle_id, file), "newFileName": "b.csv"}
    denied = {"originalFile": wanted(client.handle(key="other").id, file)}

    answer = client.colleague().post("/file/v1/filehandles/copy", {"copyRequests": [request, denied]})

    first, second = answer.json["copyResults"]
    assert 200 == answer.status
    assert {"createdBy": "3413", "fileName": "b.csv", "key": "3412/x/a.csv", "contentType": "text/csv"}.items() <= (
        first["newFileHandle"].items()
    )
    assert file.current.handle_id != first["newFileHandle"]["id"]
    assert "UNAUTHORIZED" == second["failureCode"]


def test_a_handle_may_be_copied_once_in_a_request(client: Client, file: Entity) -> None:
    request = {"originalFile": wanted(file.current.handle_id, file)}

    assert 400 == client.post("/file/v1/filehandles/copy", {"copyRequests": [request, request]}).status
    assert 400 == client.post("/file/v1/filehandles/copy", {"copyRequests": []}).status
