"""A whole Prefect installation for a test: PostgreSQL, server, work pool, deployments, workers.

Everything listens on the loopback address, on ports of its own, and keeps its files in one folder.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.server import Sandbox
from tests.server.database import running_postgres
from tests.server.outside import Outside, listening_outside
from tests.server.processes import Program, free_port, wait_until
from tests.server.rest import FINAL, Json, Rest

ROOT = Path(__file__).parents[2]
APPLY = "deployments/apply.py"
POOL = "storage-migration"
SHARD_POOL = "storage-shards"
_FAST_WORKERS = {"PREFECT_WORKER_QUERY_SECONDS": "1"}


@dataclass(slots=True)
class Stage:
    """One installation; made by `running_stage`."""

    folder: Path
    database: str
    port: int
    rest: Rest
    server: Program
    outside: Outside
    workers: list[Program] = field(default_factory=list)
    checked: str = ""
    """What `deployments/apply.py --check` said of the empty server."""
    applied: str = ""
    """What `deployments/apply.py` said then."""
    _worker: Program | None = None

    def environment(self, **more: str) -> dict[str, str]:
        """For any command of Prefect that shall talk to this server."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SYNAPSE_", "AWS_"))}
        return kept | {"PREFECT_API_URL": self.rest.url, "PREFECT_HOME": str(self.folder / "prefect")} | more

    def run(self, script: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the repository to its end, as somebody who talks to this server."""
        return subprocess.run(
            [sys.executable, script, *words], env=self.environment(**more), cwd=ROOT, capture_output=True, text=True,
            timeout=600, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def start_run(self, name: str, sandbox: Sandbox, folder: Path, **more: Any) -> str:
        """Press "Run" to migrate the sandbox's project with an index in *folder*; the worker is the one for all.

        The run's environment points it at the sandbox, as a worker's own would.
        """
        self.have_worker()
        return self.rest.start(name, parameters_for(sandbox, folder) | more, variables_for(sandbox, folder))

    def have_worker(self) -> Program:
        """The worker that serves all tests; a new one when somebody has killed the last."""
        if self._worker is None or not self._worker.is_running():
            self._worker = self.start_worker({}, name=f"worker-{len(self.workers)}")
        return self._worker

    def dismiss_worker(self) -> None:
        """Stop the worker that serves all tests: it must not take the runs of one with an environment of its own."""
        if self._worker is not None:
            self._worker.stop()

    @contextmanager
    def only_worker(self, variables: Mapping[str, str]) -> Iterator[None]:
        """Inside, this worker serves the pool alone, with these variables."""
        self.dismiss_worker()
        worker = self.start_worker(variables)
        try:
            yield
        finally:
            worker.stop()

    def start_worker(
        self, variables: Mapping[str, str], *, name: str = "worker", pool: str = POOL, limit: Sequence[str] = ()
    ) -> Program:
        """A worker with these variables in its and its flows' environment."""
        worker = Program(
            prefect_words("worker", "start", "--pool", pool, "--name", name, *limit),
            self.environment(**_FAST_WORKERS, **variables),
            self.folder / f"{name}.log",
            self.folder,  # not the checkout: the code must come with the installed package
        )
        self.workers.append(worker)
        return worker

    def start_server(self) -> None:
        """Start the server; again, when it was killed."""
        self.server = _start_server(self.folder, self.database, self.port, self.outside)
        wait_until(self._is_up, "the server to answer")

    def _is_up(self) -> bool:
        assert self.server.is_running(), self.server.tail()
        return self.rest.is_healthy()


@contextmanager
def running_stage(folder: Path) -> Iterator[Stage]:
    """PostgreSQL and server up, everything of deployments/ applied as its README says; no worker yet."""
    with ExitStack() as stack:
        (folder / "postgres").mkdir()
        database = stack.enter_context(running_postgres(folder / "postgres"))
        port = free_port()
        rest = Rest(f"http://127.0.0.1:{port}/api")
        stack.callback(rest.close)
        outside = stack.enter_context(listening_outside(folder))
        stage = Stage(folder, database, port, rest, _start_server(folder, database, port, outside), outside)
        stack.callback(lambda: _stop(stage))
        wait_until(stage._is_up, "the server to answer")
        checked, applied = stage.run(APPLY, "--check"), stage.run(APPLY)
        assert (1, 0) == (checked.returncode, applied.returncode), checked.stderr + applied.stderr
        stage.checked, stage.applied = checked.stdout, applied.stdout
        yield stage


def prefect_words(*words: str) -> list[str]:
    """The `prefect` command, run by the Python of the tests."""
    return [sys.executable, "-m", "prefect", *words]


def parameters_for(sandbox: Sandbox, folder: Path) -> dict[str, Any]:
    """What the form asks for, to migrate the sandbox's project."""
    facts = sandbox.facts
    assert facts is not None
    return {
        "root_ids": [facts.root_id],
        "destination_storage_location_id": facts.destination_id,
        "index_path": str(folder / "m.duckdb"),
    }


def variables_for(sandbox: Sandbox, home: Path) -> dict[str, str]:
    """What a worker's environment must hold so that its flows talk to *sandbox*."""
    fast = {} if sandbox.options.is_throttled else {"SYNAPSE_CALLS_PER_MINUTE": "60000"}
    return sandbox.environment() | fast | {"HOME": str(home), "SYNAPSE_STATE_FOLDER": str(home / "state")}


def ended(stage: Stage, run_id: str) -> Json | None:
    """The state of a run, once it is final."""
    state: Json = stage.rest.run(run_id)["state"]
    return state if state["type"] in FINAL else None


def _start_server(folder: Path, database: str, port: int, outside: Outside) -> Program:
    variables = {
        "PREFECT_HOME": str(folder / "server"),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
        "PREFECT_SERVER_UI_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        **server_settings(),
        **outside.variables,
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SYNAPSE_", "AWS_"))}
    words = prefect_words("server", "start", "--host", "127.0.0.1", "--port", str(port))
    return Program(words, kept | variables, folder / "server.log", folder)


def server_settings() -> dict[str, str]:
    """The settings that we recommend for a server, from the file that people use."""
    lines = (ROOT / "deployments" / "server.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def _stop(stage: Stage) -> None:
    for worker in stage.workers:
        worker.stop()
    stage.server.stop()
