"""An index as results read it: opened for each question and let go of at once, so that a result locks nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from storage_core.index.reading import open_for_reading
from storage_core.model.plans import StatusCount
from storage_core.model.settings import MigrationSettings


class IndexOnDisk:
    """Implements ports.Queries on a file that others may be writing; each answer is as of its own moment."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def settings(self) -> MigrationSettings:
        """See ports.Queries."""
        with open_for_reading(self._path) as reader:
            return reader.settings

    @property
    def as_of(self) -> datetime:
        """See ports.Queries."""
        with open_for_reading(self._path) as reader:
            return reader.as_of

    def counts(self) -> tuple[StatusCount, ...]:
        """See ports.Queries."""
        with open_for_reading(self._path) as reader:
            return reader.counts()

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterable[tuple[Any, ...]]:
        """See ports.Queries."""
        with open_for_reading(self._path) as reader:
            return reader.rows(sql, parameters)

    def arrow(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        """See ports.Queries."""
        with open_for_reading(self._path) as reader:
            return reader.arrow(sql, parameters)
