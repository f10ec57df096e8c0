"""Large files take no more memory than small ones."""

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.servers.openssh import SftpServer
from tests.servers.s3 import Server

MIB = 1 << 20
SIZES = [pytest.param(192 * MIB, id="192 MiB"), pytest.param(2048 * MIB, id="2 GiB", marks=pytest.mark.long)]
pytestmark = pytest.mark.real_server


def growth_mb(repository: Path, folder: Path, size_bytes: int, **place: str) -> float:
    wishes = {"folder": str(folder), "size_bytes": size_bytes, **place}
    done = subprocess.run(
        [sys.executable, repository / "tests" / "servers" / "large_file.py", json.dumps(wishes)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(repository), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert 0 == done.returncode, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert size_bytes == told["count"]
    return float(told["after"] - told["before"])


@pytest.mark.parametrize("size_bytes", SIZES)
def test_sftp_keeps_a_few_pieces_in_memory(repository: Path, sftp: SftpServer, tmp_path: Path, size_bytes: int) -> None:
    login = {"username": sftp.username, "private_key": str(sftp.user_key), "host_key": sftp.host_key}

    grown = growth_mb(repository, tmp_path, size_bytes, place="sftp", url=f"{sftp.url}/{size_bytes}", **login)

    assert grown < 120


@pytest.mark.parametrize("size_bytes", SIZES)
def test_an_object_store_keeps_a_few_parts_in_memory(
    repository: Path, seaweedfs: Server, tmp_path: Path, size_bytes: int
) -> None:
    bucket = f"memory-{os.getpid()}-{size_bytes}"
    with closing(seaweedfs.client()) as owner:
        owner.create_bucket(Bucket=bucket)
    credentials = Path.home() / ".aws" / "credentials"
    credentials.parent.mkdir(exist_ok=True)
    keys = seaweedfs.owner
    with credentials.open("a") as written:
        written.write(f"[{bucket}]\naws_access_key_id = {keys.access}\naws_secret_access_key = {keys.secret}\n\n")

    grown = growth_mb(
        repository, tmp_path, size_bytes, place="object-store", url=seaweedfs.url, bucket=bucket, profile=bucket
    )

    assert grown < 120
