"""The index as reports read it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from storage_core.model.plans import StatusCount
from storage_core.model.settings import MigrationSettings


class Queries(Protocol):
    """A finished or running index as reports read it: its public views only, and nothing changes.

    Opened on the index itself or, while another process works on it, on the read snapshot beside it.
    """

    @property
    def settings(self) -> MigrationSettings:
        """The settings the index is bound to."""
        ...

    @property
    def as_of(self) -> datetime:
        """When what is read was true (aware, UTC): the snapshot's time, or that of the last change."""
        ...

    def counts(self) -> tuple[StatusCount, ...]:
        """Items by status and reason."""
        ...

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterable[tuple[Any, ...]]:
        """Run one SELECT over the public views; `?` stands for a parameter."""
        ...

    def arrow(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        """The same as a `pyarrow.Table`."""
        ...
