"""The tests' own house rules hold: nobody leaves this machine, nobody's settings are seen."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import loopback_guard
import pytest

ELSEWHERE = "192.0.2.1"  # reserved for documentation, answers nobody


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "bucket.localhost", None, "0.0.0.0", b"localhost"]
)
def test_this_machine_is_local(host: object) -> None:
    assert loopback_guard.is_local(host)


@pytest.mark.parametrize("host", [ELSEWHERE, "10.0.0.1", "169.254.169.254", "example.org", "localhost.example.org", 7])
def test_other_machines_are_not(host: object) -> None:
    assert not loopback_guard.is_local(host)


def test_a_connection_to_another_machine_is_refused() -> None:
    with socket.socket() as caller, pytest.raises(loopback_guard.LeftThisMachine):
        caller.connect((ELSEWHERE, 443))


def test_not_even_a_name_is_looked_up_elsewhere() -> None:
    with pytest.raises(loopback_guard.LeftThisMachine):
        socket.getaddrinfo("example.org", 443)


def test_child_processes_are_guarded_as_well() -> None:
    code = f"import socket; socket.socket().connect(({ELSEWHERE!r}, 443))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)

    assert "LeftThisMachine" in done.stderr


def test_a_connection_to_this_machine_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as caller:
        assert server.getsockname() == caller.getpeername()


def test_nobodys_settings_are_in_the_environment() -> None:
    """HOME is an empty folder and the credentials of whoever runs the tests are gone."""
    assert not (Path.home() / ".synapseConfig").exists()
    assert "SYNAPSE_AUTH_TOKEN" not in os.environ
    assert "AWS_ACCESS_KEY_ID" not in os.environ
    assert "false" == os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"]
