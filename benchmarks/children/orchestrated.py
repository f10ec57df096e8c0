"""One migration, in process or as a Prefect flow; prints what it took. Takes one JSON argument."""

import atexit
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

WISHES = json.loads(sys.argv[1])
INDEX = Path.cwd() / "migration.duckdb"
SUCCEEDED: list[bool] = []


def leave() -> None:
    """Prefect's threads and DuckDB's binding disagree about the end of a process; after success nobody need hear."""
    if SUCCEEDED:
        os._exit(0)


# before Prefect is imported: it is called after Prefect has stopped its server, which would outlive us
atexit.register(leave)


def plain() -> dict[str, float]:
    """Without Prefect."""
    began = time.monotonic()
    from storage_core.config import load_config
    from storage_core.model.ids import parse_entity_id, parse_storage_location_id
    from storage_core.model.settings import FileVersionStrategy, MigrationSettings
    from storage_core.wiring.migration import opened

    settings = MigrationSettings(
        roots=(parse_entity_id(WISHES["root"]),),
        destination=parse_storage_location_id(WISHES["destination"]),
        strategy=FileVersionStrategy.LATEST,
    )
    ready, used = time.monotonic(), time.process_time()
    with opened(load_config(), INDEX, settings) as app:
        outcome = app.migration.run(lambda _plan: "benchmark")
    assert outcome.exit_code == 0, outcome
    return _found(began, ready, used, launched=0, kept=0)


def in_batches_of(size: int) -> None:
    """Let every phase take so many works per batch at most; before anything else has read the table of phases."""
    from storage_core.steps import phases

    smaller = {
        name: replace(phase, batch_size=min(phase.batch_size, size))
        for name, phase in vars(phases).items()
        if isinstance(phase, phases.Phase)
    }
    by_name = {phase.name: phase for phase in smaller.values()}
    for name, phase in smaller.items():
        setattr(phases, name, phase)
    for lines in ("INDEXING", "MIGRATING"):
        told = getattr(phases, lines)
        setattr(phases, lines, tuple(tuple(by_name[phase.name] for phase in line) for line in told))


def flow() -> dict[str, float]:
    """As a flow, on Prefect's embedded server, which is up before the clock starts."""
    began = time.monotonic()
    from prefect import flow as as_flow
    from prefect.client.orchestration import get_client

    from flows.migrating import migrate_files
    from tasks.batches import AT_HAND

    launched: list[str] = []
    put = AT_HAND.put

    def counting(key: str, code: Any) -> None:
        launched.append(key)
        put(key, code)

    AT_HAND.put = counting  # type: ignore[method-assign] # counts, and does what it did
    as_flow(name="warming up")(lambda: None)()
    ready, used = time.monotonic(), time.process_time()
    state: Any = migrate_files(
        root_ids=[WISHES["root"]],
        destination_storage_location_id=WISHES["destination"],
        index_path=str(INDEX),
        file_version_strategy="latest",
        confirm="force",
        return_state=True,
    )
    found = _found(began, ready, used, launched=len(launched), kept=0)
    assert state.is_completed(), state
    time.sleep(2)  # its records arrive a little later
    with get_client(sync_client=True) as client:
        kept = client.request("POST", "/task_runs/count", json={}).json()
    return {**found, "kept": kept}


def _found(began: float, ready: float, used: float, *, launched: int, kept: int) -> dict[str, float]:
    now = time.monotonic()
    return {
        "ready": ready - began,
        "seconds": now - ready,
        "cpu": time.process_time() - used,
        "launched": launched,
        "kept": kept,
    }


print()
if WISHES["batch"]:
    in_batches_of(WISHES["batch"])
print(json.dumps(flow() if WISHES["batch"] else plain()), flush=True)
SUCCEEDED.append(True)
