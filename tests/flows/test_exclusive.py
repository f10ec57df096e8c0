"""A place is held on a server that outlives the run, and never on the one that Prefect embeds in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import exclusive
from storage_core.model.ids import EntityId


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a server would be asked for; no server is started or called."""
    seen: list[str] = []

    @contextmanager
    def concurrency(names: list[str], **_: Any) -> Iterator[None]:
        seen.extend(f"hold {name}" for name in names)
        yield

    monkeypatch.setattr(exclusive, "_declare", lambda name: seen.append(f"declare {name}"))
    monkeypatch.setattr(exclusive, "concurrency", concurrency)
    return seen


def test_the_embedded_server_is_asked_for_nothing(asked: list[str]) -> None:
    """It would keep the place of a killed run for ever."""
    with (
        temporary_settings(restore_defaults={PREFECT_API_URL}),
        exclusive.only_migration_of([EntityId("syn1")]),
        exclusive.only_run_of("shard-1"),
    ):
        assert [] == asked


def test_a_real_server_holds_a_place_for_each_root(asked: list[str]) -> None:
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}),
        exclusive.only_migration_of([EntityId("syn2"), EntityId("syn1"), EntityId("syn2")]),
    ):
        names = ["storage-migration-of-syn1", "storage-migration-of-syn2"]
        assert [f"declare {name}" for name in names] + [f"hold {name}" for name in names] == asked
