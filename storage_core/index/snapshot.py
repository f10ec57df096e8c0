"""The read snapshot beside a live index: DuckDB lets no second process in, so a copy of the views is put out."""

import os
import time
from pathlib import Path

from storage_core.index.database import Database, private_files
from storage_core.index.views import PUBLIC_VIEWS

_AT_MOST_EVERY_SECONDS = 5.0
_SHARE_OF_TIME = 100
"""A snapshot may cost one part in so many of a run's time: a large index publishes less often."""

_TABLES = tuple(view for view in PUBLIC_VIEWS if view != "errors_v1")


def snapshot_path(path: Path) -> Path:
    """Where the snapshot of an index lies: ``x.duckdb`` has ``x.snapshot.duckdb``."""
    return path.with_name(f"{path.stem}.snapshot.duckdb")


class Publisher:
    """Writes snapshots, not too often."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._not_before = 0.0

    def publish(self, *, force: bool) -> None:
        """Replace the snapshot by the present state; without *force* only when the last one is old enough."""
        began = time.monotonic()
        if not force and began < self._not_before:
            return
        self._write()
        took = time.monotonic() - began
        self._not_before = began + took + max(_AT_MOST_EVERY_SECONDS, _SHARE_OF_TIME * took)

    def _write(self) -> None:
        """Write beside, then rename: a reader sees the old snapshot or the new one, never half of one."""
        target = snapshot_path(self._database.path)
        draft = target.with_name(f"{target.name}.draft")
        _remove(draft)
        with private_files():
            self._database.rows(f"attach '{_quoted(draft)}' as published")
            try:
                self._fill()
            finally:
                self._database.rows("detach published")
        _sync(draft)
        draft.replace(target)

    def _fill(self) -> None:
        for view in _TABLES:
            self._database.rows(f"create table published.{view} as from {view}")
        self._database.rows(
            "create view published.errors_v1 as select * from items_v1 where status in ('ERRORED', 'DRIFTED')"
        )
        self._database.rows("create table published.snapshot_v1 (taken_at timestamp not null)")
        self._database.rows("insert into published.snapshot_v1 values (?)", [self._database.now()])


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _remove(draft: Path) -> None:
    """Clear away what a killed run left of its own draft."""
    draft.unlink(missing_ok=True)
    draft.with_name(f"{draft.name}.wal").unlink(missing_ok=True)


def _sync(draft: Path) -> None:
    descriptor = os.open(draft, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
