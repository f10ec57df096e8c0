"""The in-place change of a version's handle, in the service's order of checks (contract 6.6)."""

from dataclasses import replace

import pytest

from sandbox.synapse.entities import Entity
from sandbox.synapse.kinds import Kind
from tests.unit.sandbox.synapse_client import MD5_A, MD5_B, Client, Reply


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def project(client: Client) -> Entity:
    return client.project()


@pytest.fixture
def file(client: Client, project: Entity) -> Entity:
    """A file whose two versions hold different handles of the same content."""
    file = client.file(project)
    client.world.entities.add_version(
        client.world, file, modified_by="3413", handle_id=client.handle().id, comment="second", label="two"
    )
    return file


def swap(client: Client, file: Entity, number: int, old: str | None, new: str | None) -> Reply:
    body = {"oldFileHandleId": old, "newFileHandleId": new}
    return client.put(f"/repo/v1/entity/{file.id}/version/{number}/filehandle", body)


def test_the_handle_of_an_old_version_changes_and_nothing_else_of_it(client: Client, file: Entity) -> None:
    """200 without a body; no new version; number, label, comment stay."""
    old, new = str(file.versions[0].handle_id), client.handle().id

    answer = swap(client, file, 1, old, new)

    assert (200, b"") == (answer.status, answer.body)
    assert new == client.get(f"/repo/v1/entity/{file.id}/version/1").json["dataFileHandleId"]
    assert [(1, "1", None), (2, "two", "second")] == [(v.number, v.label, v.comment) for v in file.versions]


def test_the_etag_changes_and_the_current_version_shows_who_did_it(client: Client, file: Entity) -> None:
    """Also when an older version was changed: that one keeps its own dates (contract 6.6)."""
    etag, first_modified = file.etag, file.versions[0].modified_on
    assert "3413" == file.current.modified_by

    swap(client, file, 1, str(file.versions[0].handle_id), client.handle().id)

    assert etag != file.etag
    assert "3412" == file.current.modified_by
    assert first_modified == file.versions[0].modified_on


def test_a_repeat_after_success_is_412(client: Client, file: Entity) -> None:
    """Not idempotent on the wire: the version holds the new id by now."""
    old, new = str(file.versions[0].handle_id), client.handle().id
    swap(client, file, 1, old, new)

    assert 412 == swap(client, file, 1, old, new).status


def test_naming_the_present_handle_as_both_changes_nothing(client: Client, file: Entity) -> None:
    present, etag = str(file.current.handle_id), file.etag

    assert 200 == swap(client, file, 2, present, present).status
    assert etag == file.etag


@pytest.mark.parametrize(("old_md5", "new_md5"), [(MD5_A, MD5_B), (MD5_A, None), (None, MD5_A), (None, None)])
def test_an_md5_that_differs_or_is_missing_is_412(
    client: Client, project: Entity, old_md5: str | None, new_md5: str | None
) -> None:
    old, new = client.handle(old_md5), client.handle(new_md5)
    file = client.file(project, old, "other.csv")

    assert 412 == swap(client, file, 1, old.id, new.id).status
    assert old.id == file.current.handle_id


def test_letter_case_of_the_md5_does_not_count(client: Client, file: Entity) -> None:
    assert 200 == swap(client, file, 1, str(file.versions[0].handle_id), client.handle(MD5_A.upper()).id).status


def test_both_ids_are_required_before_anything_else(client: Client) -> None:
    """400 even for an entity that does not exist: the first check."""
    nowhere = Entity(
        id="syn999999",
        kind=Kind.FILE,
        name="x",
        parent_id="syn1",
        created_by="1",
        created_on="",
        etag="",
        versions=[],
    )

    assert 400 == swap(client, nowhere, 1, None, "1").status
    assert 400 == swap(client, nowhere, 1, "1", None).status
    assert 404 == swap(client, nowhere, 1, "1", "2").status


def test_only_file_versions_that_exist_can_be_changed(client: Client, project: Entity, file: Entity) -> None:
    assert 404 == swap(client, project, 1, "1", "2").status
    assert 404 == swap(client, file, 3, "1", "2").status


def test_permission_is_looked_at_before_the_handle(client: Client, project: Entity, file: Entity) -> None:
    """READ, then UPDATE, then certification, then whose handle it is."""
    old, foreign = str(file.current.handle_id), client.handle().id
    colleague = client.colleague()
    assert 403 == swap(colleague, file, 2, old, "999999").status
    client.grant(project, "READ")
    assert 403 == swap(colleague, file, 2, old, "999999").status

    client.grant(project, "READ", "UPDATE")

    assert 404 == swap(colleague, file, 2, old, "999999").status
    assert 403 == swap(colleague, file, 2, old, foreign).status


def test_people_without_certification_are_refused(client: Client, file: Entity) -> None:
    client.world.principals.put(replace(client.user, is_certified=False))

    assert 403 == swap(client, file, 2, str(file.current.handle_id), client.handle().id).status


def test_whose_handle_it_is_comes_before_the_stale_old_id(client: Client, file: Entity) -> None:
    """Check 5 is before check 6: 403, not 412."""
    assert 403 == swap(client, file, 2, "90999", client.handle(owner="3413").id).status


def test_administrators_may_use_handles_of_others(client: Client, file: Entity) -> None:
    administrator = client.by(client.world.principals.administrator_token)
    foreign = client.handle(owner="3413")

    assert 200 == swap(administrator, file, 2, str(file.current.handle_id), foreign.id).status


def test_a_record_set_is_swapped_like_a_file(client: Client, project: Entity) -> None:
    old = client.handle()
    records = client.world.entities.add(
        client.world, kind=Kind.RECORD_SET, name="r", parent_id=project.id, created_by="3412", handle_id=old.id
    )

    assert 200 == swap(client, records, 1, old.id, client.handle().id).status
