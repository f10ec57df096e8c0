"""What every test of this repository may rely on.

Nothing reaches another machine, neither from here nor from a child process. HOME is an empty folder, nobody's
credentials or settings are in the environment, and Prefect keeps to a folder of its own and calls nobody.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from sandbox.server import Sandbox

TESTS = Path(__file__).parent
GUARD = TESTS / "loopback_only"
FOREIGN = ("SYNAPSE_", "AWS_", "PREFECT_", "OTEL_", "BOTO_")
HOME = pytest.StashKey[Path]()

# Rooms whose files take minutes. They begin first: one that began last would be waited for by all other workers.
SLOW = (
    "server",
    "crash",
    "faults",
    "servers",
    "judge",
    "migration",
    "transfers",
    "contract",
    "flows",
    "people",
    "model",
)

hypothesis.settings.register_profile(
    "laptop", deadline=None, max_examples=60, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile(
    "ci", parent=hypothesis.settings.get_profile("laptop"), derandomize=True, print_blob=True, database=None
)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "laptop")


def pytest_configure(config: pytest.Config) -> None:
    """Before any test module is imported: our code must not even see this machine's settings."""
    home = Path(tempfile.mkdtemp(prefix="synapse-storage-tests-"))
    config.stash[HOME] = home
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        del os.environ[name]
    os.environ |= {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "PREFECT_HOME": str(home / ".prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLI_COLORS": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(GUARD), os.environ.get("PYTHONPATH", "")])),
    }
    sys.path.insert(0, str(GUARD))
    import loopback_guard

    loopback_guard.install()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    home = config.stash.get(HOME, None)
    if home is not None:
        shutil.rmtree(home, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After the shuffle: the slow rooms first, in this order; what was shuffled within a room stays shuffled."""
    places = {TESTS / room: place for place, room in enumerate(SLOW)}

    def place(item: pytest.Item) -> int:
        return min((places.get(folder, len(SLOW)) for folder in item.path.parents), default=len(SLOW))

    items.sort(key=place)


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests (``@pytest.mark.anyio``) run on asyncio, the loop the product uses."""
    return "asyncio"


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return TESTS.parent


@pytest.fixture
def start_sandbox() -> "Iterator[Callable[..., Sandbox]]":
    """Starts sandboxes, each with its own world and free ports, and stops them after the test.

    Takes the fields of `SandboxOptions` as keywords. Not throttled and without waits unless asked for.
    """
    # late: nothing of ours is imported before the environment is clean
    from sandbox.server import SandboxOptions, running_sandbox

    with contextlib.ExitStack() as running:

        def start(**options: Any) -> "Sandbox":
            chosen = SandboxOptions(**{"is_throttled": False, "wait_scale": 0.0, **options})
            return running.enter_context(running_sandbox(chosen))

        yield start


@pytest.fixture
def sandbox(start_sandbox: "Callable[..., Sandbox]") -> "Sandbox":
    """One empty sandbox of the test's own."""
    return start_sandbox()
