"""The released `synapseclient` reads the locations and settings that we made, and we read those it made."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from storage_core.api import Connection, Folder, Project, StorageLocation, StorageLocationType
from storage_core.config import load_config

if TYPE_CHECKING:
    from sandbox.server import Sandbox

pytestmark = [pytest.mark.judge, pytest.mark.timeout(240)]

Ask = Callable[..., Any]
SECRET = "shared-with-the-proxy-" + "x" * 20
WANTED: dict[str, dict[str, Any]] = {
    "SYNAPSE_S3": {"description": "Synapse's own"},
    "EXTERNAL_S3": {"bucket": "lab", "base_key": "plain", "banner": "hello"},
    "EXTERNAL_GOOGLE_CLOUD": {"bucket": "lab", "base_key": "plain"},
    "EXTERNAL_SFTP": {"url": "sftp://lab.example.org/in", "supports_subfolders": True},
    "EXTERNAL_HTTPS": {"url": "https://lab.example.org/in"},
    "EXTERNAL_OBJECT_STORE": {"bucket": "lab", "endpoint_url": "https://store.example.org"},
    "PROXY": {"proxy_url": "https://proxy.example.org", "secret_key": SECRET, "benefactor_id": "syn5"},
}


@pytest.fixture
def client(sandbox: "Sandbox", tmp_path: Path) -> Iterator[Connection]:
    """A connection of ours to the sandbox, where a bucket names the user."""
    objects = sandbox.world.objects
    objects.create_bucket("lab", region="us-east-1")
    for key in ("plain/owner.txt", "sts/owner.txt"):
        objects.put("lab", key, b"3412")
    environment = sandbox.environment() | {"SYNAPSE_STATE_FOLDER": str(tmp_path), "SYNAPSE_CALLS_PER_MINUTE": "60000"}
    with Connection(load_config(environment)) as connection:
        yield connection


def test_the_client_reads_what_we_made(ask: Ask, client: Connection) -> None:
    """Every type with every attribute, an ordered setting, and credentials."""
    ours = {
        name: StorageLocation(storage_type=name, **wanted).store(synapse_client=client)
        for name, wanted in WANTED.items()
    }
    project = ask("making_locations", locations={name: WANTED[name] for name in ("EXTERNAL_HTTPS", "EXTERNAL_SFTP")})
    folder, _, _ = StorageLocation.setup_s3(
        parent=project["project"], folder_name="ours", bucket_name="lab", base_key="plain", synapse_client=client
    )
    order = [ours[name].storage_location_id for name in ("EXTERNAL_SFTP", "EXTERNAL_S3", "SYNAPSE_S3")]
    setting = folder.set_storage_location(order, synapse_client=client)
    sts_folder, _, _ = StorageLocation.setup_s3(
        parent=project["project"],
        folder_name="direct",
        bucket_name="lab",
        base_key="sts",
        sts_enabled=True,
        synapse_client=client,
    )

    seen = ask(
        "reading_locations",
        locations={name: location.storage_location_id for name, location in ours.items()},
        folder=folder.id,
        sts_folder=sts_folder.id,
    )

    for name, wanted in WANTED.items():
        theirs = seen["locations"][name]
        assert (name, ours[name].upload_type) == (theirs["type"], theirs["upload_type"])
        assert wanted == {attribute: theirs[attribute] for attribute in wanted}
    assert "lab" == seen["older"]
    assert [setting.id, setting.etag, order, folder.id] == seen["setting"]
    assert ["lab", "sts"] == seen["token"]


def test_we_read_what_the_client_made_and_make_nothing_twice(ask: Ask, client: Connection) -> None:
    """Storing the same again finds the client's location, though it spells out more than we do."""
    theirs = ask("making_locations", locations=WANTED)

    for name, location_id in theirs["locations"].items():
        read = StorageLocation(storage_location_id=location_id).get(synapse_client=client)
        again = StorageLocation(storage_type=name, **WANTED[name]).store(synapse_client=client)
        assert StorageLocationType[name] is read.storage_type
        assert {one: again_value(read, one) for one in WANTED[name]} == WANTED[name]
        assert (location_id, True) == (again.storage_location_id, again.was_found), name
    setting = Folder(id=theirs["folder"]).get_project_setting(synapse_client=client)
    assert setting is not None
    assert theirs["setting"] == setting.locations
    assert Project(id=theirs["project"]).get_project_setting(synapse_client=client) is None


def again_value(location: StorageLocation, name: str) -> Any:
    value = getattr(location, name)
    return value.reveal() if name == "secret_key" else value
