"""How much a real Prefect server on PostgreSQL grows by a run."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]

from tests.server.processes import CannotRunError
from tests.server.stage import running_stage

TABLES = ("flow_run", "flow_run_state", "task_run", "task_run_state", "artifact", "log", "events", "event_resources")
_SETTLE_SECONDS = 15
"""Logs and events come a little later than the run's end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the server kept of one run; *remark* says how it was measured, or why it was not."""

    task_runs: int = 0
    grown_bytes: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    remark: str

    def as_json(self) -> dict[str, Any]:
        """For the file."""
        return asdict(self)


def kept_by_server(run: Callable[[Mapping[str, str]], object]) -> Kept:
    """Start PostgreSQL and a server with everything deployed, let *run* use it, and compare its database.

    Args:
        run: does the run; gets the variables that lead to the server.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-server-", ignore_cleanup_errors=True) as name:
        # the database's plain user has to reach it
        Path(name).chmod(0o755)
        try:
            with running_stage(Path(name)) as stage:
                before = asyncio.run(_counted(stage.database))
                run({"PREFECT_API_URL": stage.rest.url})
                time.sleep(_SETTLE_SECONDS)
                after = asyncio.run(_counted(stage.database))
        except CannotRunError as trouble:
            return Kept(remark=f"Not measured: {trouble}.")
    rows = {table: after[table] - before[table] for table in TABLES}
    return Kept(
        task_runs=rows["task_run"],
        grown_bytes=after["bytes"] - before["bytes"],
        rows=rows,
        remark="PostgreSQL of its own, everything deployed; pg_database_size after the run less before it.",
    )


async def _counted(address: str) -> dict[str, int]:
    connection = await asyncpg.connect(address.replace("+asyncpg", ""))
    try:
        found = {table: int(await connection.fetchval(f"select count(*) from {table}")) for table in TABLES}
        return found | {"bytes": int(await connection.fetchval("select pg_database_size(current_database())"))}
    finally:
        await connection.close()
