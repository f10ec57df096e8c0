"""Real servers as fixtures: one of each per process, and a reason in capitals where one cannot be had."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.servers.processes import ServerMissingError

T = TypeVar("T")


def started(start: Callable[[Path], AbstractContextManager[T]], factory: pytest.TempPathFactory) -> Iterator[T]:
    """Run the server for a fixture that yields from this; skips, and says why, when it is not installed."""
    name = start.__name__.removesuffix("_server")
    server = start(factory.mktemp(name))
    try:
        running = server.__enter__()
    except ServerMissingError as reason:
        pytest.skip(f"NO REAL SERVER WAS ASKED ({name}): {reason}")
    try:
        yield running
    finally:
        server.__exit__(None, None, None)
