"""Ctrl-C never breaks a statement or a transaction; it is heard right after."""

import os
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from storage_core.index.database import Database
from storage_core.index.opening import open_index
from storage_core.index.signals import unbroken
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.settings import MigrationSettings

SETTINGS = MigrationSettings(roots=(EntityId("syn1"),), destination=StorageLocationId(9))


def _press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_a_signal_inside_is_heard_at_the_end() -> None:
    told: list[str] = []

    def inside() -> None:
        with unbroken():
            _press_ctrl_c()
            told.append("went on")

    with pytest.raises(KeyboardInterrupt):
        inside()
    assert told == ["went on"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_blocks_inside_each_other_wait_for_the_outermost() -> None:
    told: list[str] = []

    def inside() -> None:
        with unbroken():
            with unbroken():
                _press_ctrl_c()
            told.append("between")

    with pytest.raises(KeyboardInterrupt):
        inside()
    assert told == ["between"]


def test_other_threads_are_left_alone() -> None:
    told = []

    def elsewhere() -> None:
        with unbroken():
            told.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert told == [signal.default_int_handler]


def test_a_transaction_that_ctrl_c_meets_is_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    with open_index(path, SETTINGS, create=True):
        pass
    connection = duckdb.connect(str(path))
    database = Database(connection, path, lambda: datetime(2026, 3, 1, tzinfo=UTC))

    def inside() -> None:
        with database.transaction():
            database.journal([("first", None, None, "")])
            _press_ctrl_c()
            database.journal([("second", None, None, "")])

    with pytest.raises(KeyboardInterrupt):
        inside()
    assert [("first",), ("second",)] == database.rows("select event from journal order by seq desc limit 2")[::-1]
    database.close()


def test_a_long_query_is_finished_before_it_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    with open_index(path, SETTINGS, create=True):
        pass
    connection = duckdb.connect(str(path))
    database = Database(connection, path, lambda: datetime(2026, 3, 1, tzinfo=UTC))
    timer = threading.Timer(0.2, _press_ctrl_c)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        database.rows("select count(*) from range(30000) a, range(30000) b where a.range * b.range % 7 = 3")
    timer.join()
    database.close()
