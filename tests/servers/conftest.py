"""One fixture for each real server; each starts with its first test and stops with the last."""

from collections.abc import Iterator

import pytest

from tests.servers.google_cloud import GoogleServer, fake_gcs_server, gcp_storage_emulator
from tests.servers.juicefs import juicefs_server
from tests.servers.nginx import WebServer, web_server
from tests.servers.openssh import SftpServer, openssh_server
from tests.servers.s3 import Server
from tests.servers.seaweedfs import seaweedfs_server
from tests.servers.skipping import started
from tests.servers.steward import configuration, running, sftp_login, steward, trusted_web

__all__ = ["configuration", "running", "sftp_login", "steward", "trusted_web"]


@pytest.fixture(scope="session")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    """OpenSSH."""
    yield from started(openssh_server, tmp_path_factory)


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real S3."""
    yield from started(seaweedfs_server, tmp_path_factory)


@pytest.fixture(scope="session")
def juicefs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Another real S3."""
    yield from started(juicefs_server, tmp_path_factory)


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """nginx over TLS, with a file proxy."""
    yield from started(web_server, tmp_path_factory)


@pytest.fixture(scope="session")
def fake_gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoogleServer]:
    """A Google Cloud emulator: whole uploads."""
    yield from started(fake_gcs_server, tmp_path_factory)


@pytest.fixture(scope="session")
def gcp_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoogleServer]:
    """Another one: broken uploads."""
    yield from started(gcp_storage_emulator, tmp_path_factory)
