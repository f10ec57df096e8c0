"""An index of its own for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage_core.index.store import Index
from tests.unit.index.builders import NEW_SETTINGS, fresh_index


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """Strategy all."""
    with fresh_index(tmp_path) as opened:
        yield opened


@pytest.fixture
def new_index(tmp_path: Path) -> Iterator[Index]:
    """Strategy new."""
    with fresh_index(tmp_path, NEW_SETTINGS) as opened:
        yield opened
