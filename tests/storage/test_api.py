"""The Python interface, blocking and awaited, in and outside of a running event loop."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import boto3
import botocore.exceptions
import pytest

from sandbox.server import Sandbox
from storage_core.api import (
    Connection,
    Folder,
    Project,
    ProjectSetting,
    StorageLocation,
    StorageLocationType,
    UploadDestinationListSetting,
    UploadType,
    close_shared_connections,
)
from storage_core.config import Config
from storage_core.errors import UsageError

STS = {"bucket_name": "lab", "base_key": "sts", "sts_enabled": True}


@pytest.fixture(scope="module")
def number():
    import itertools

    return itertools.count()


@pytest.fixture
def sts_folder(client: Connection, project: str, number) -> Folder:
    folder, _, _ = StorageLocation.setup_s3(
        parent=project, folder_name=f"direct {next(number)}", **STS, synapse_client=client
    )
    assert isinstance(folder, Folder)
    return folder


def test_a_location_is_stored_found_read_and_listed(client: Connection) -> None:
    made = StorageLocation(storage_type=StorageLocationType.EXTERNAL_S3, bucket="lab", banner="api").store(
        synapse_client=client
    )
    found = StorageLocation(storage_type="EXTERNAL_S3", bucket="lab", banner="api").store(synapse_client=client)
    read = StorageLocation(storage_location_id=made.storage_location_id).get(synapse_client=client)

    assert (False, True) == (made.was_found, found.was_found)
    assert made == found == read
    assert (StorageLocationType.EXTERNAL_S3, UploadType.S3, 3412) == (
        read.storage_type,
        read.upload_type,
        read.created_by,
    )
    assert read.concrete_type.endswith(".ExternalS3StorageLocationSetting")
    assert read in StorageLocation.list(synapse_client=client)
    assert read.storage_location_id == read.store(synapse_client=client).storage_location_id


def test_a_location_that_synapse_completed_can_be_stored_again(client: Connection) -> None:
    made = StorageLocation(storage_type="SYNAPSE_S3", sts_enabled=True).store(synapse_client=client)

    assert made.base_key
    assert made.storage_location_id != made.store(synapse_client=client).storage_location_id


def test_what_is_missing_or_unknown_is_named(client: Connection) -> None:
    with pytest.raises(UsageError, match="bucket is required"):
        StorageLocation(storage_type="EXTERNAL_S3").store(synapse_client=client)
    with pytest.raises(UsageError, match="storage_type is required"):
        StorageLocation(bucket="lab").store(synapse_client=client)
    with pytest.raises(UsageError, match="no storage_location_id"):
        StorageLocation().get(synapse_client=client)
    with pytest.raises(UsageError, match="must have an id"):
        Folder().set_storage_location(1, synapse_client=client)


def test_a_secret_is_in_no_representation(client: Connection) -> None:
    secret = "planted-secret-" + "x" * 30
    proxy = StorageLocation(
        storage_type="PROXY", proxy_url="https://proxy.example.org", secret_key=secret, benefactor_id="syn5"
    )

    stored = proxy.store(synapse_client=client)

    assert secret not in repr(proxy) + repr(stored) + str(stored.get(synapse_client=client))
    assert secret == stored.secret_key.reveal()


def test_answers_of_unknown_types_are_kept() -> None:
    answer = {"concreteType": "org.sagebionetworks.repo.model.project.TapeSetting", "uploadType": "TAPE", "reel": 7}

    filled = StorageLocation().fill_from_dict({**answer, "storageLocationId": 9})

    assert ("TapeSetting", "TAPE", {"reel": 7}, 9) == (
        filled.storage_type,
        filled.upload_type,
        filled.more_attributes,
        filled.storage_location_id,
    )


def test_settings_through_containers(client: Connection, project: str, number) -> None:
    location = StorageLocation(storage_type="EXTERNAL_HTTPS", url="https://lab/api").store(synapse_client=client)
    folder, synapse_s3, _ = StorageLocation.setup_s3(
        parent=Project(id=project), folder_name=f"set {next(number)}", synapse_client=client
    )

    first = folder.get_project_setting(synapse_client=client)
    both = folder.set_storage_location(
        [location.storage_location_id, synapse_s3.storage_location_id], synapse_client=client
    )

    assert [synapse_s3.storage_location_id] == first.locations
    assert isinstance(both, UploadDestinationListSetting)
    assert isinstance(both, ProjectSetting)
    assert [location.storage_location_id, synapse_s3.storage_location_id] == both.locations
    assert (first.id, folder.id, "upload") == (both.id, both.project_id, both.settings_type)
    assert first.etag != both.etag
    with pytest.raises(UsageError, match="is not that of"):
        folder.delete_project_setting("1", synapse_client=client)
    folder.delete_project_setting(both.id, synapse_client=client)
    folder.delete_project_setting(synapse_client=client)
    assert folder.get_project_setting(synapse_client=client) is None
    assert [1] == folder.set_storage_location(None, synapse_client=client).locations
    with pytest.raises(UsageError, match="no 'external_sync' settings"):
        folder.get_project_setting("external_sync", synapse_client=client)


def test_containers_are_looked_up(client: Connection, project: str, sts_folder: Folder) -> None:
    folder = Folder(id=sts_folder.id.removeprefix("syn")).get(synapse_client=client)

    assert (sts_folder.id, sts_folder.name, project) == (folder.id, folder.name, folder.parent_id)
    assert "Tumour Atlas (sample)" == Project(id=project).get(synapse_client=client).name
    with pytest.raises(UsageError, match="is a project, no folder"):
        Folder(id=project).get(synapse_client=client)


def test_every_blocking_call_works_inside_a_running_loop(client: Connection, project: str) -> None:
    """As in a notebook."""

    async def notebook():
        location = StorageLocation(storage_type="EXTERNAL_HTTPS", url="https://lab/loop").store(synapse_client=client)
        return Project(id=project).get_project_setting(synapse_client=client), location.storage_location_id

    setting, location_id = asyncio.run(notebook())

    assert setting is None
    assert location_id > 1


def test_every_call_has_an_awaited_twin(client: Connection, project: str, number) -> None:
    """The same answers, on the caller's own loop."""

    async def use():
        location = await StorageLocation(storage_type="EXTERNAL_HTTPS", url="https://lab/twin").store_async(
            synapse_client=client
        )
        read = await StorageLocation(storage_location_id=location.storage_location_id).get_async(synapse_client=client)
        listed = await StorageLocation.list_async(synapse_client=client)
        name = f"twin {next(number)}"
        folder, _, _ = await StorageLocation.setup_s3_async(
            parent=project, folder_name=name, **STS, synapse_client=client
        )
        token = await folder.get_sts_storage_token_async("read_only", output_format="boto", synapse_client=client)
        session = await folder.get_boto3_session_async("read_only", synapse_client=client)
        await folder.delete_project_setting_async(synapse_client=client)
        gone = await folder.get_project_setting_async(synapse_client=client)
        attached = await folder.set_storage_location_async(location.storage_location_id, synapse_client=client)
        again = await ProjectSetting(project_id=folder.id).get_async(synapse_client=client)
        await again.delete_async(synapse_client=client)
        named = await Folder(id=folder.id).get_async(synapse_client=client)
        return location, read, listed, token, session, gone, attached, again, named.name == name

    location, read, listed, token, session, gone, attached, again, same_name = asyncio.run(use())

    assert location == read
    assert read in listed
    assert {"aws_access_key_id", "aws_secret_access_key", "aws_session_token"} == set(token)
    assert token["aws_access_key_id"] == session.get_credentials().access_key
    assert gone is None
    assert attached == again
    assert same_name


def test_without_a_client_the_environment_is_asked(running: Sandbox, monkeypatch, tmp_path, project: str) -> None:
    environment = running.environment() | {"SYNAPSE_CALLS_PER_MINUTE": "60000"}
    for name, value in (environment | {"SYNAPSE_STATE_FOLDER": str(tmp_path / "state")}).items():
        monkeypatch.setenv(name, value)
    try:
        assert Project(id=project).get_project_setting() is None
        assert Project(id=project).get().name
    finally:
        close_shared_connections()


def test_a_configuration_serves_as_client(config: Config, project: str) -> None:
    try:
        assert Project(id=project).get(synapse_client=config).name
    finally:
        close_shared_connections()


def test_a_call_on_the_network_thread_is_refused_instead_of_waiting_for_ever(client: Connection, project: str) -> None:
    async def wrong():
        return Project(id=project).get(synapse_client=client)

    with pytest.raises(RuntimeError, match="on the network thread itself"):
        client.run(wrong())


def sts_calls(running: Sandbox) -> int:
    return running.app.traffic.by_call["GET /entity/#/sts"]


def s3_of(running: Sandbox, session: boto3.Session):
    return session.client("s3", endpoint_url=running.s3_url, region_name="us-east-1")


def may(action, **words) -> bool:
    try:
        action(Bucket="lab", **words)
    except botocore.exceptions.ClientError as error:
        if "AccessDenied" != error.response["Error"]["Code"]:
            raise
        return False
    return True


@pytest.mark.parametrize(("permission", "writes"), [("read_only", False), ("read_write", True)])
def test_credentials_open_their_prefix_and_nothing_else(
    permission: str, writes: bool, client: Connection, running: Sandbox, sts_folder: Folder
) -> None:
    """Enforced by the sandbox's S3, through boto3."""
    running.world.objects.put("lab", "sts/there.txt", b"there")
    running.world.objects.put("lab", "other/there.txt", b"there")
    words = sts_folder.get_sts_storage_token(permission, output_format="boto", synapse_client=client)

    s3 = s3_of(running, boto3.Session(**words))

    assert may(s3.get_object, Key="sts/there.txt")
    assert writes is may(s3.put_object, Key="sts/new.txt", Body=b"new")
    for action, words in [
        (s3.get_object, {"Key": "other/there.txt"}),
        (s3.put_object, {"Key": "other/new.txt", "Body": b"new"}),
        (s3.put_object, {"Key": "sts/owner.txt", "Body": b"mine now"}),
    ]:
        assert not may(action, **words)


def test_synapses_own_storage_gives_credentials_for_reading_only(client: Connection, project: str, number) -> None:
    folder, _, _ = StorageLocation.setup_s3(
        parent=project, folder_name=f"own {next(number)}", sts_enabled=True, synapse_client=client
    )

    words = folder.get_sts_storage_token("read_only", output_format="boto", synapse_client=client)

    assert words["aws_session_token"]
    with pytest.raises(UsageError, match="no read_write credentials"):
        folder.get_sts_storage_token("read_write", synapse_client=client)


@pytest.mark.parametrize("name", ["EXTERNAL_S3", "EXTERNAL_SFTP"])
def test_other_locations_give_no_credentials(name: str, client: Connection, project: str, number) -> None:
    folder, _, _ = StorageLocation.setup_s3(
        parent=project, folder_name=f"none {next(number)}", bucket_name="lab", synapse_client=client
    )
    wanted = {"bucket": "lab"} if name == "EXTERNAL_S3" else {"url": "sftp://lab/in"}
    location = StorageLocation(storage_type=name, **wanted).store(synapse_client=client)
    folder.set_storage_location(location.storage_location_id, synapse_client=client)

    with pytest.raises(UsageError, match="no read_only credentials"):
        folder.get_sts_storage_token("read_only", synapse_client=client)


def test_a_changed_setting_is_not_answered_with_old_credentials(
    client: Connection, project: str, sts_folder: Folder
) -> None:
    sts_folder.get_sts_storage_token("read_only", synapse_client=client)

    sts_folder.delete_project_setting(synapse_client=client)

    with pytest.raises(UsageError, match="no read_only credentials"):
        sts_folder.get_sts_storage_token("read_only", synapse_client=client)


def test_one_request_serves_many_threads_and_tasks(client: Connection, running: Sandbox, sts_folder: Folder) -> None:
    before = sts_calls(running)
    running.app.latency.seconds = 0.05
    barrier = threading.Barrier(8)

    def ask(_):
        barrier.wait()
        return sts_folder.get_sts_storage_token("read_only", synapse_client=client)

    async def ask_often():
        return await asyncio.gather(
            *(sts_folder.get_sts_storage_token_async("read_only", synapse_client=client) for _ in range(20))
        )

    try:
        with ThreadPoolExecutor(8) as pool:
            tokens = {*pool.map(ask, range(8)), *asyncio.run(ask_often())}
    finally:
        running.app.latency.seconds = 0.0

    assert (1, 1) == (len(tokens), sts_calls(running) - before)


def test_fifty_look_ups_of_an_hour_long_token_are_one_request(
    client: Connection, running: Sandbox, sts_folder: Folder
) -> None:
    before = sts_calls(running)

    tokens = {sts_folder.get_sts_storage_token("read_only", synapse_client=client) for _ in range(50)}
    fresh = sts_folder.get_sts_storage_token("read_only", min_remaining_life=3700, synapse_client=client)
    kept = sts_folder.get_sts_storage_token(
        "read_only", min_remaining_life=timedelta(minutes=30), synapse_client=client
    )

    assert (1, 2) == (len(tokens), sts_calls(running) - before)
    assert {fresh} == {kept} != tokens


def test_formats_and_words_that_make_no_sense_are_refused(client: Connection, sts_folder: Folder) -> None:
    assert "lab" == json.loads(sts_folder.get_sts_storage_token("read_only", synapse_client=client))["bucket"]
    shell = sts_folder.get_sts_storage_token("read_only", output_format="shell", synapse_client=client)
    assert shell.startswith("export SYNAPSE_STS_S3_LOCATION='s3://lab/sts'\n")
    with pytest.raises(UsageError, match="'fish' is no output_format"):
        sts_folder.get_sts_storage_token("read_only", output_format="fish", synapse_client=client)
    with pytest.raises(UsageError, match="'write' is no STS permission"):
        sts_folder.get_sts_storage_token("write", synapse_client=client)


def test_a_long_transfer_outlives_its_first_keys(client: Connection, running: Sandbox, sts_folder: Folder) -> None:
    """The session asks for new keys by itself when the old ones near their end."""
    life = running.world.settings.sts_life
    running.world.settings.sts_life = timedelta(minutes=2)
    try:
        session = sts_folder.get_boto3_session("read_write", synapse_client=client)
        s3 = s3_of(running, session)
        first = session.get_credentials().get_frozen_credentials().access_key
        running.world.settings.sts_life = timedelta(hours=1)
        s3.put_object(Bucket="lab", Key="sts/long.txt", Body=b"one")
        second = session.get_credentials().get_frozen_credentials().access_key
        s3.put_object(Bucket="lab", Key="sts/long.txt", Body=b"two")
        third = session.get_credentials().get_frozen_credentials().access_key
    finally:
        running.world.settings.sts_life = life

    assert first != second
    assert second == third


def test_tokens_are_never_written_to_disk(client: Connection, sts_folder: Folder, tmp_path) -> None:
    words = sts_folder.get_sts_storage_token("read_only", output_format="boto", synapse_client=client)

    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]

    for secret in words.values():
        assert not any(secret.encode() in content for content in written)
