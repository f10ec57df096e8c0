"""One Prefect server for the tests of this folder."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A server of this process, in a folder of its own; nothing calls home (tests/conftest.py).

    Flows find it as the embedded one, not by PREFECT_API_URL: like it, it never frees the places of dead runs.
    """
    from prefect.settings import PREFECT_API_URL, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120), temporary_settings(restore_defaults={PREFECT_API_URL}):
        yield
