"""Who takes part in a contest, and how each is started."""

import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.registry import Wishes
from sandbox.server import Sandbox

ROOT = Path(__file__).parents[1]
CHILDREN = Path(__file__).parent / "children"
JUDGE_PYTHON = ROOT / ".venv-judge" / "bin" / "python"
OURS = "synapse-storage"
CALLS_PER_SECOND = 10
"""The service's 600 a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What every contestant is asked to do, and the throttle it meets."""

    strategy: str
    tables: bool = False
    window_seconds: float
    calls_per_window: int
    has_one_budget: bool = False

    @classmethod
    def asked(cls, wishes: Wishes, strategy: str, *, tables: bool = False, pace: float = 1.0) -> "Question":
        """Under the throttle that was wished for: ten calls a second times *pace*, counted in windows."""
        return cls(
            strategy=strategy,
            tables=tables,
            window_seconds=wishes.window_seconds,
            calls_per_window=round(CALLS_PER_SECOND * wishes.window_seconds * pace),
            has_one_budget=wishes.has_one_budget,
        )


def is_ours(name: str) -> bool:
    """Whether a contestant of this name is one of our ways to migrate."""
    return name.partition(",")[0] == OURS


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One way to migrate.

    Attributes:
        implementation: of the client; None for ours.
        options: more words for our command.
        only_indexes: whether it stops there and migrates nothing.
        empties_cache: whether the client's cache is emptied between index and migrate, which gets past a deadlock.
        tables_apart: whether files are migrated first and tables after them, with an index each. Together, the client
            may take a cell for a file version: its tasks look up what to do only when they begin.
    """

    name: str
    implementation: str | None = None
    only_indexes: bool = False
    empties_cache: bool = False
    tables_apart: bool = False
    options: tuple[str, ...] = ()

    def with_options(self, *options: str) -> "Contestant":
        """The same with more words for our command."""
        return replace(self, options=(*self.options, *options))

    def command(self, question: Question, sandbox: Sandbox) -> list[str]:
        """The process that migrates the sandbox's project."""
        facts = sandbox.facts
        if facts is None:
            raise RuntimeError("a contest needs a filled sandbox")
        if self.implementation is None:
            verb, force = ("index", ()) if self.only_indexes else ("migrate", ("--force",))
            words = [verb, facts.root_id, str(facts.destination_id), "migration.duckdb", *force]
            words += ["--file-version-strategy", question.strategy, *["--include-table-files"] * question.tables]
            words += self.options
            return [sys.executable, str(CHILDREN / "ours.py"), str(question.window_seconds), *words]
        wishes = {
            "implementation": self.implementation,
            "root": facts.root_id,
            "destination": facts.destination_id,
            "strategy": question.strategy,
            "tables": question.tables,
            "only_indexes": self.only_indexes,
            "empties_cache": self.empties_cache,
            "tables_apart": self.tables_apart,
        }
        return [str(JUDGE_PYTHON), str(CHILDREN / "theirs.py"), json.dumps(wishes)]


US = Contestant(name=OURS, options=("--engine", "synapse"))
US_WITH_KEYS = Contestant(name=f"{OURS}, s3", options=("--engine", "s3"))
US_THROUGH_A_VIEW = Contestant(name=f"{OURS}, view", options=("--engine", "synapse", "--index-via", "view"))
US_THROUGH_A_VIEW_WITH_KEYS = Contestant(name=f"{OURS}, view + s3", options=("--engine", "s3", "--index-via", "view"))
UTILS = Contestant(name="synapseutils", implementation="synapseutils")
UTILS_TABLES_APART = Contestant(name="synapseutils, tables apart", implementation="synapseutils", tables_apart=True)
MODELS = Contestant(name="models", implementation="models")
MODELS_EMPTIED = Contestant(name="models, cache emptied", implementation="models", empties_cache=True)


def environment(question: Question, sandbox: Sandbox, home: Path) -> dict[str, str]:
    """This sandbox, an empty home, nothing else of the developer's."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "TMPDIR"}}
    return {
        **kept,
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        "SYNAPSE_STATE_FOLDER": str(home / "limits"),
        "SYNAPSE_CALLS_PER_MINUTE": str(question.calls_per_window),
        **sandbox.environment(),
    }
