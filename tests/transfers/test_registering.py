"""Bytes that are in their place become file handles and files."""

import hashlib
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from storage_core.api.storage_location import StorageLocation
from storage_core.errors import BadRequest, UsageError
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.transfers import DownloadOrder, Registered, RegisterOrder, UploadResult
from tests.transfers.conftest import Transfers

MD5 = "9e107d9d372bb6826bd81d3542a419d6"
CONTENT = b"here already"


def location_of(transfers: Transfers, **fields: object) -> StorageLocationId:
    made = StorageLocation(**fields).store(synapse_client=transfers.config)  # type: ignore[arg-type]
    return StorageLocationId(int(made.storage_location_id or 0))


@pytest.fixture
def lab(running: Sandbox, transfers: Transfers) -> StorageLocationId:
    running.world.objects.put("lab", "study/a.csv", CONTENT)
    return location_of(transfers, storage_type="EXTERNAL_S3", bucket="lab")


def register(transfers: Transfers, what: str, **more: object) -> Registered:
    order = RegisterOrder(what=what, **more)  # type: ignore[arg-type]
    return transfers.run(lambda desk: desk.registering.register(order))


@pytest.mark.parametrize("what", ["study/a.csv", "s3://lab/study/a.csv"])
def test_an_object_becomes_a_file_that_can_be_downloaded(
    transfers: Transfers, container: EntityId, lab: StorageLocationId, tmp_path: Path, what: str
) -> None:
    copy = tmp_path / "copy"
    copy.write_bytes(CONTENT)

    done = register(transfers, what, location_id=lab, entity_id=container, local_path=str(copy))
    again = register(transfers, what, location_id=lab, entity_id=container, local_path=str(copy))

    assert (UploadResult.CREATED, "a.csv", "text/csv") == (done.result, done.handle.file_name, done.handle.content_type)
    assert (UploadResult.UNCHANGED, done.handle.id) == (again.result, again.handle.id)
    order = DownloadOrder(entity_id=EntityId(str(done.entity_id)), folder=str(tmp_path / "down"))
    downloaded = transfers.run(lambda desk: desk.downloader.download(order))
    assert CONTENT == Path(downloaded.path).read_bytes()


def test_other_bytes_of_that_name_are_a_new_version(
    running: Sandbox, transfers: Transfers, container: EntityId, lab: StorageLocationId
) -> None:
    running.world.objects.put("lab", "other/a.csv", b"other")
    first = register(
        transfers, "study/a.csv", location_id=lab, entity_id=container, md5=hashlib.md5(CONTENT).hexdigest()
    )

    second = register(
        transfers, "other/a.csv", location_id=lab, entity_id=container, md5=hashlib.md5(b"other").hexdigest()
    )

    assert (first.entity_id, 2, UploadResult.NEW_VERSION) == (second.entity_id, second.version, second.result)


def test_a_handle_alone_is_possible(transfers: Transfers, lab: StorageLocationId) -> None:
    done = register(transfers, "study/a.csv", location_id=lab, md5=MD5)

    assert (None, MD5, len(CONTENT)) == (done.entity_id, done.handle.md5, done.handle.size_bytes)


@pytest.mark.parametrize(
    ("fields", "what", "more"),
    [
        ({"storage_type": "EXTERNAL_OBJECT_STORE", "bucket": "own", "endpoint_url": "https://s3.example.org"},
         "deep/a.csv", {"md5": MD5, "size_bytes": 7}),
        ({"storage_type": "EXTERNAL_SFTP", "url": "sftp://example.org/base"}, "sftp://example.org/base/a.csv", {}),
        ({"storage_type": "EXTERNAL_HTTPS", "url": "https://example.org/base"}, "https://example.org/base/a.csv", {}),
        ({"storage_type": "PROXY", "proxy_url": "https://proxy.example.org", "secret_key": "x" * 36},
         "study%201/a.csv", {"md5": MD5, "size_bytes": 7}),
    ],
)  # fmt: skip
def test_every_other_type_can_be_registered(
    running: Sandbox,
    transfers: Transfers,
    container: EntityId,
    fields: dict[str, object],
    what: str,
    more: dict[str, object],
) -> None:
    if fields["storage_type"] == "PROXY":
        fields = fields | {"benefactor_id": container}

    done = register(transfers, what, location_id=location_of(transfers, **fields), entity_id=container, **more)

    stored = running.world.handles.require(done.handle.id)
    assert what in {stored.key, stored.external_url, stored.file_path}
    assert 1 == done.version


def test_an_address_needs_no_location(transfers: Transfers, container: EntityId) -> None:
    done = register(transfers, "https://example.org/some/page.html", entity_id=container)

    assert ("page.html", "https://example.org/some/page.html") == (done.handle.file_name, done.handle.url)


@pytest.mark.parametrize(
    ("what", "more", "said"),
    [
        ("study/a.csv", {}, "needs the MD5"),
        ("study/a.csv", {"md5": "abc"}, "is no MD5"),
        ("s3://elsewhere/a.csv", {"md5": MD5}, "not in bucket lab"),
        ("gs://lab/a.csv", {"md5": MD5}, "not at storage location"),
        ("study/", {"md5": MD5}, "is no object"),
        ("k" * 701, {"md5": MD5}, "more than 700"),
        ("study/semi;colon", {"md5": MD5}, "no name for a file"),
    ],
)
def test_what_the_service_would_refuse_is_explained_before(
    transfers: Transfers, lab: StorageLocationId, what: str, more: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        register(transfers, what, location_id=lab, **more)


@pytest.mark.parametrize(("what", "said"), [("a/key", "no address"), ("s3://lab/a", "which storage location")])
def test_a_key_needs_a_location(transfers: Transfers, what: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        register(transfers, what, md5=MD5)


def test_synapses_own_storage_takes_no_registrations(transfers: Transfers) -> None:
    location = location_of(transfers, storage_type="SYNAPSE_S3")

    with pytest.raises(UsageError, match="Nothing can be registered"):
        register(transfers, "a", location_id=location, md5=MD5)


def test_an_object_that_is_not_there_is_the_services_word(transfers: Transfers, lab: StorageLocationId) -> None:
    with pytest.raises(BadRequest):
        register(transfers, "no/such.key", location_id=lab, md5=MD5)
