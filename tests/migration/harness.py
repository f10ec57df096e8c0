"""Runs the command line as a user would, against a sandbox of this process."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sandbox.server import Sandbox
from sandbox.state import state_of
from tests.migration.reconciliation import unreconciled

WORKED_ON_THE_INDEX = frozenset({0, 1, 4, 5})
"""Exit codes after which there is an index to look at; with the others it may be missing, foreign or busy."""


def environment(sandbox: Sandbox, home: Path, **more: str) -> dict[str, str]:
    """Variables for a subprocess: this sandbox, an empty home, nothing else of the developer's."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "PYTHONPATH", "TMPDIR"}}
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), kept.get("PYTHONPATH", "")]))
    # an unthrottled sandbox answers as fast as it can; the client must not hold back either
    unthrottled = {} if sandbox.options.is_throttled else {"SYNAPSE_CALLS_PER_MINUTE": "60000"}
    return kept | {"HOME": str(home)} | sandbox.environment() | unthrottled | more


def command(*words: str) -> list[str]:
    """The console command, run by the Python of the tests."""
    return [sys.executable, "-c", "from storage_core.cli.main import main; main()", *words]


def run(
    sandbox: Sandbox, home: Path, words: Sequence[str], *, seconds: float = 240, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. What it leaves in its index must add up, however it ended."""
    ended = subprocess.run(
        command(*words),
        env=environment(sandbox, home, **more),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert [] == _unreconciled(words, ended), ended.stderr
    return ended


def _unreconciled(words: Sequence[str], ended: subprocess.CompletedProcess[str]) -> list[str]:
    if words[0] not in {"index", "migrate", "rollback"} or ended.returncode not in WORKED_ON_THE_INDEX:
        return []
    is_done = words[0] == "migrate" and ended.returncode == 0 and "--dry-run" not in words
    return unreconciled(Path(words[1 if words[0] == "rollback" else 3]), is_done=is_done, summary=ended.stdout)


def migrate_words(sandbox: Sandbox, index: Path, strategy: str, *more: str) -> list[str]:
    """`migrate ROOT DESTINATION INDEX` for the sandbox's scenario."""
    facts = sandbox.facts
    assert facts is not None
    words = ["migrate", facts.root_id, str(facts.destination_id), str(index)]
    return [*words, "--file-version-strategy", strategy, "--force", *more]


def snapshot(sandbox: Sandbox) -> Any:
    """The sandbox's whole state, as a copy that later changes leave alone."""
    return json.loads(json.dumps(state_of(sandbox.world)))


def handles_in_use(sandbox: Sandbox) -> dict[str, list[str | None]]:
    """The handle of each version of each entity."""
    entities = snapshot(sandbox)["entities"]
    return {key: [version["handleId"] for version in one["versions"]] for key, one in entities.items()}


def own_every_handle(sandbox: Sandbox) -> None:
    """The steward has uploaded all of it: somebody else's handle could not be given back."""
    steward = sandbox.world.principals.demo.id
    for handle in [one for one in sandbox.world.handles.all() if one.created_by != steward]:
        sandbox.world.handles.change(handle.id, created_by=steward)


def writes(sandbox: Sandbox) -> int:
    """Calls so far that changed something: everything but reads, and the reads that are POSTs."""
    reads = ("/entity/children", "bundle2", "/filehandle/batch", "/entity/header", "/query/async", "/table/filehandles")
    counted = sandbox.app.traffic.as_json()["byCall"]
    return sum(
        count
        for call, count in counted.items()
        if not call.startswith("GET ") and not any(read in call.lower() for read in reads)
    )
