"""The running sandbox: both halves on loopback, in this process or one of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from sandbox.__main__ import main
from sandbox.server import Sandbox, SandboxOptions
from sandbox.synapse.handles import HandleKind
from sandbox.synapse.locations import SYNAPSE_BUCKET

Start = Callable[..., Sandbox]


@pytest.fixture
def client(sandbox: Sandbox) -> httpx.Client:
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    with httpx.Client(base_url=sandbox.url, headers=headers, trust_env=False) as client:
        yield client


def test_it_listens_on_loopback_only(sandbox: Sandbox) -> None:
    assert sandbox.url.startswith("http://127.0.0.1:")
    assert sandbox.s3_url.startswith("http://127.0.0.1:")


def test_the_three_bases_are_one_server(client: httpx.Client) -> None:
    assert "3412" == client.get("/repo/v1/userProfile").json()["ownerId"]
    assert 404 == client.get("/file/v1/fileHandle/1").status_code
    assert 404 == client.get("/auth/v1/nothing").status_code


def test_a_presigned_address_leads_to_the_bytes(sandbox: Sandbox, client: httpx.Client) -> None:
    world = sandbox.world
    world.objects.put(SYNAPSE_BUCKET, "3412/x/a.csv", b"hello")
    handle = world.handles.add(
        world, kind=HandleKind.S3, created_by="3412", bucket=SYNAPSE_BUCKET, key="3412/x/a.csv", content_size=5
    )

    redirect = client.get(f"/file/v1/fileHandle/{handle.id}/url")

    assert 307 == redirect.status_code
    assert b"hello" == httpx.get(redirect.headers["location"], trust_env=False).content


def test_a_connection_is_really_cut(sandbox: Sandbox, client: httpx.Client) -> None:
    """And the next call finds a working server."""
    client.post("/sandbox/faults", json={"kind": "drop-before", "path": "/userProfile"})

    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/repo/v1/userProfile")

    assert 200 == client.get("/repo/v1/userProfile").status_code


def test_a_body_that_is_too_large_is_refused_over_the_wire(client: httpx.Client) -> None:
    """Counted while reading, so it needs no declared length (contract 1.4)."""

    def chunks() -> object:
        for _ in range(3):
            yield b" " * 1024 * 1024

    refused = client.post("/repo/v1/entity", content=chunks())  # type: ignore[arg-type]

    assert 413 == refused.status_code
    assert 200 == client.get("/repo/v1/userProfile").status_code


def test_half_a_request_does_nothing(sandbox: Sandbox) -> None:
    """A client that dies while sending has not asked for anything; the log shows a cut call."""
    body = b'{"concreteType": "org.sagebionetworks.repo.model.Project", "name": "half"}'
    host, port = sandbox.url.removeprefix("http://").split(":")
    head = f"POST /repo/v1/entity HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {sandbox.token}\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + f"Content-Length: {len(body) + 1}\r\n\r\n".encode() + body)

    traffic = sandbox.app.traffic
    deadline = time.monotonic() + 10
    while not traffic.log and time.monotonic() < deadline:
        time.sleep(0.01)

    assert [0] == [call.status for call in traffic.log]
    assert 0 == len(sandbox.world.entities)


def test_the_environment_points_a_client_at_it(sandbox: Sandbox) -> None:
    found = sandbox.environment()

    assert f"{sandbox.url}/repo/v1" == found["SYNAPSE_REPO_ENDPOINT"]
    assert {
        "SYNAPSE_AUTH_TOKEN",
        "SYNAPSE_REPO_ENDPOINT",
        "SYNAPSE_FILE_ENDPOINT",
        "SYNAPSE_AUTH_ENDPOINT",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
    } == set(found)


def test_the_budget_is_the_services_unless_told_otherwise(start_sandbox: Start) -> None:
    limits = start_sandbox(is_throttled=True).app.throttle.limits

    assert (True, 3, 600, 60) == (limits.enabled, limits.concurrent, limits.frequency.calls, limits.frequency.seconds)
    assert SandboxOptions().is_throttled


def test_two_sandboxes_know_nothing_of_each_other(start_sandbox: Start) -> None:
    first, second = start_sandbox(), start_sandbox()
    first.world.principals.revoke_token(first.token)

    statuses = [
        httpx.get(
            f"{one.url}/repo/v1/userProfile", headers={"Authorization": f"Bearer {first.token}"}, trust_env=False
        ).status_code
        for one in (first, second)
    ]

    assert [401, 200] == statuses


def test_equal_seeds_make_equal_worlds(start_sandbox: Start) -> None:
    """Ids and etags too: whatever a test prints can be found again."""

    def etags(seed: int) -> list[str]:
        world = start_sandbox(scenario="demo", seed=seed).world
        return [entity.id + entity.etag for entity in world.entities.all()]

    assert etags(7) == etags(7) != etags(8)


def test_a_taken_port_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        Sandbox(SandboxOptions(port=taken.getsockname()[1])).start()


def test_in_the_foreground_a_taken_port_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        status = main(["--port", str(taken.getsockname()[1])])

    assert (1, True) == (status, "--port" in capsys.readouterr().err)


def test_an_unknown_scenario_is_reported_and_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    with pytest.raises(ValueError, match="no scenario 'nonsense'"):
        Sandbox(SandboxOptions(scenario="nonsense", port=port)).start()

    socket.create_server(("127.0.0.1", port)).close()


def test_after_stopping_nothing_listens() -> None:
    sandbox = Sandbox(SandboxOptions())
    sandbox.start()
    url = sandbox.url

    sandbox.stop()

    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/repo/v1/version", trust_env=False)


def test_in_the_foreground_it_prints_exports_and_ends_on_interrupt(repository: Path) -> None:
    """Ready in a few seconds; interrupting it is a normal end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", "0", "--scenario", "demo"],
        cwd=repository,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(8)]
        exports = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        answer = httpx.get(
            exports["SYNAPSE_REPO_ENDPOINT"] + "/userProfile",
            headers={"Authorization": f"Bearer {exports['SYNAPSE_AUTH_TOKEN']}"},
            trust_env=False,
        )
        assert 200 == answer.status_code
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert (0, True) == (process.returncode, "the project is syn" in errors)


def test_a_bare_start_takes_less_than_three_seconds() -> None:
    started = time.perf_counter()
    sandbox = Sandbox()
    sandbox.start()
    seconds = time.perf_counter() - started
    sandbox.stop()

    assert seconds < 3
