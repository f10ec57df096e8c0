"""One Prefect installation for all tests here; without PostgreSQL they are skipped, and say so."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.processes import CannotRunError
from tests.server.stage import Stage, running_stage


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """A server on PostgreSQL with everything deployed; tests start the workers they need."""
    # not below pytest's own folder: its parents are closed to the plain user that PostgreSQL runs as
    with tempfile.TemporaryDirectory(prefix="synapse-storage-server-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            context = running_stage(folder)
            running = context.__enter__()
        except CannotRunError as trouble:
            pytest.skip(str(trouble))
        try:
            yield running
        finally:
            context.__exit__(None, None, None)
