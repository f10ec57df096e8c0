"""The judge: `synapseclient`, as released, must work against our sandbox as it does against Synapse.

Whatever the client refuses here is a mistake of the sandbox, and then of everything we believe because of it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
import botocore.exceptions
import pytest

if TYPE_CHECKING:
    from sandbox.server import Sandbox

pytestmark = [pytest.mark.judge, pytest.mark.timeout(240)]

Ask = Callable[..., Any]


def state(sandbox: "Sandbox") -> Any:
    """Everything the sandbox knows, as its own control call shows it."""
    import httpx

    return httpx.get(f"{sandbox.url}/sandbox/state", trust_env=False).json()


def test_it_signs_in_and_is_refused_with_a_wrong_token(ask: Ask) -> None:
    """The profile behind the token is the demo user's; a token nobody issued is no token."""
    found = ask("signing_in")

    assert found["wrong_token_refused"]
    assert "3412" == found["id"]
    assert found["name"]


def test_files_of_several_versions_go_up_and_come_down_unchanged(ask: Ask, sandbox: "Sandbox") -> None:
    """Small ones and one of three parts; each version gives its own bytes, through presigned addresses."""
    found = ask("transferring")

    assert [1, 2, 3] == [version["number"] for version in found["versions"]]
    assert [version["md5"] for version in found["versions"]] == [down["md5"] for down in found["came_down"]]
    assert [version["md5"] for version in found["versions"]] == [down["recorded"] for down in found["came_down"]]
    assert ("äöü ✓", ["inner (a+b), c's"]) == (found["description"], found["children"])

    world = state(sandbox)
    versions = world["entities"][found["versions"][0]["id"]]["versions"]
    sizes = [world["handles"][version["handleId"]]["contentSize"] for version in versions]
    assert [version["size"] for version in found["versions"]] == sizes


def test_annotations_and_provenance_are_kept(ask: Ask) -> None:
    """They come back as they were written; a changed name keeps the id and, as a new version, loses the provenance."""
    found = ask("describing")

    assert found["annotations"] == found["first"]
    assert {"tissue": ["heart"]} == found["changed"]
    assert ("measured", ["https://example.org/protocol"]) == (found["activity"], found["used"])
    assert ([1, 2], False) == (found["versions"], found["carried_over"])
    assert ("renamed.txt", True) == (found["name"], found["same_id"])


def test_locations_are_declared_attached_used_and_detached(ask: Ask) -> None:
    """Through the models and through the older calls alike; an upload then lies in the attached location."""
    found = ask("locating")

    assert found["before"], "a project without a setting has none"
    assert found["same_location"]
    assert ("ours", "SYNAPSE_S3") == (found["description"], found["type"])
    assert found["locations"]
    assert found["older"][0] == found["older"][1]
    assert found["handle_location"]
    assert found["md5"][0] == found["md5"][1]
    assert found["setting_gone"]


def test_credentials_it_is_given_open_that_prefix_only(ask: Ask, sandbox: "Sandbox") -> None:
    """The token of an STS folder works with boto3 under the location's base key, and nowhere else."""
    owner = sandbox.world.principals.require("3412").name
    objects = sandbox.world.objects
    objects.create_bucket("lab-archive", region="us-east-1")
    objects.put("lab-archive", "ours/owner.txt", owner.encode())

    found = ask("borrowing", bucket="lab-archive", base_key="ours")

    token = found["token"]
    s3 = boto3.client(
        "s3",
        endpoint_url=sandbox.s3_url,
        region_name="us-east-1",
        aws_access_key_id=token["accessKeyId"],
        aws_secret_access_key=token["secretAccessKey"],
        aws_session_token=token["sessionToken"],
    )
    s3.put_object(Bucket=token["bucket"], Key=f"{token['baseKey']}/new.txt", Body=b"put here")
    assert b"put here" == s3.get_object(Bucket="lab-archive", Key="ours/new.txt")["Body"].read()
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        s3.put_object(Bucket="lab-archive", Key="theirs/new.txt", Body=b"not here")
    assert found["shell"].startswith("export SYNAPSE_STS_S3_LOCATION")


def test_it_bears_the_throttle(ask: Ask, sandbox: "Sandbox") -> None:
    """With one call in flight allowed it is refused at times, understands the refusal, and comes through."""
    sandbox.app.throttle.limits.enabled = True
    sandbox.app.throttle.limits.concurrent = 1
    sandbox.app.latency.seconds = 0.05
    sandbox.clock.wait_scale = 1.0

    found = ask("migrating", strategy="all", table=False)

    assert 429 in {call.status for call in sandbox.app.traffic.log}
    assert found["indexed"]["INDEXED"] == found["migrated"]["MIGRATED"]


def location_of(world: Any, handle_id: str) -> int:
    return int(world["handles"][handle_id]["storageLocationId"])


def locations_of(world: Any, entity_id: str) -> list[int]:
    """The storage location of each version of a file, oldest first."""
    return [location_of(world, version["handleId"]) for version in world["entities"][entity_id]["versions"]]


STRATEGIES = {
    # strategy: versions of the file that had two, and which of them are in the new home afterwards
    "new": [False, False, True],
    "latest": [False, True],
    "all": [True, True],
}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_its_own_migration_ends_in_the_right_state(strategy: str, ask: Ask, sandbox: "Sandbox") -> None:
    """The migration we replace works here, so a comparison with it is fair."""
    found = ask("migrating", strategy=strategy, table=False)
    world, home = state(sandbox), found["destination"]

    assert 0 == found["migrated"].get("ERRORED", 0)
    assert found["indexed"]["INDEXED"] == found["migrated"]["MIGRATED"]
    grown = world["entities"][found["files"]["grown"]]
    assert STRATEGIES[strategy] == [location == home for location in locations_of(world, found["files"]["grown"])]
    assert "grown.bin" == grown["name"]
    assert stored_md5(world, grown["versions"][1]["handleId"]) == stored_md5(world, grown["versions"][-1]["handleId"])


def test_a_handle_used_twice_is_copied_once(ask: Ask, sandbox: "Sandbox") -> None:
    """Two files that shared a handle share the new one as well."""
    found = ask("migrating", strategy="latest", table=False)
    world = state(sandbox)

    plain, shared = (
        world["entities"][found["files"][name]]["versions"][-1]["handleId"] for name in ("plain", "shared")
    )

    assert plain == shared
    assert found["destination"] == location_of(world, plain)


def test_table_cells_are_migrated(ask: Ask, sandbox: "Sandbox") -> None:
    """Filled cells refer to new handles with the same bytes; an empty cell stays empty."""
    found = ask("migrating", strategy="latest", table=True)
    world = state(sandbox)

    handles = [handle and str(int(float(handle))) for _, handle in found["handles"]]
    assert [True, False, True] == [bool(handle) for handle in handles]
    assert {found["destination"]} == {location_of(world, handle) for handle in handles if handle}
    moved = {row["to_file_handle_id"]: row["from_file_handle_id"] for row in found["rows"] if row["type"] == "table"}
    assert set(moved) == {handle for handle in handles if handle}
    assert [stored_md5(world, old) for old in moved.values()] == [stored_md5(world, new) for new in moved]


def stored_md5(world: Any, handle_id: str) -> str:
    """The MD5 of what is really stored behind a handle, not what the records claim."""
    handle = world["handles"][handle_id]
    return str(world["objects"][handle["bucketName"]][handle["key"]]["md5"])
