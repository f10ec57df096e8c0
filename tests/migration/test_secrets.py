"""Tokens, presigned addresses and signatures appear in nothing we write, at any log level."""

import logging
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import migrate_words, run

from sandbox.faults import FaultRule
from sandbox.server import SandboxOptions, running_sandbox
from storage_core.config import load_config
from storage_core.exports import write_everything
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.settings import FileVersionStrategy, MigrationSettings, RunOptions
from storage_core.reports.report import RunFacts
from storage_core.synapse.clock import SystemClock
from storage_core.wiring.migration import opened

SIGNS = (b"X-Amz-Signature", b"X-Amz-Credential", b"x-amz-security-token", b"AWSAccessKeyId", b"Bearer ey")


def found_in(folder: Path, secrets: tuple[bytes, ...]) -> list[str]:
    """Every file below *folder* that contains a secret, named with it."""
    return [
        f"{secret!r} in {path.name}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for secret in secrets
        if secret in path.read_bytes()
    ]


@pytest.fixture
def everything_logged(tmp_path):
    """All loggers of the process, at their most talkative, into a file."""
    handler = logging.FileHandler(tmp_path / "everything.log")
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield
    root.removeHandler(handler)
    root.setLevel(level)
    handler.close()


def test_nothing_we_write_contains_a_secret(tmp_path, everything_logged):
    options = SandboxOptions(scenario="mixed", is_throttled=False, wait_scale=0)
    with running_sandbox(options) as sandbox:
        # troubles on the way, so that error texts are written, too
        for rule in (
            {"method": "PUT", "path": "/.*partNumber.*", "kind": "status-before", "status": 403, "times": 2},
            {"method": "PUT", "path": ".*/add/.*", "kind": "status-before", "status": 500, "times": 2},
        ):
            plant(sandbox, rule)
        facts = sandbox.facts
        settings = MigrationSettings(
            roots=(EntityId(facts.root_id),),
            destination=StorageLocationId(facts.destination_id),
            strategy=FileVersionStrategy.ALL,
        )
        config = load_config(sandbox.environment() | {"SYNAPSE_CALLS_PER_MINUTE": "60000"})
        index = tmp_path / "m.duckdb"
        with opened(config, index, settings, options=RunOptions(continue_on_error=True)) as app:
            app.migration.run(lambda plan: "the test")
            token = config.token.reveal().encode()
            assert token.decode() not in repr(config) + str(config) + repr(app)
        write_everything(index, tmp_path / "report", RunFacts(made_at=SystemClock().now()))
        assert [] == found_in(tmp_path, (token, token.split(b".")[2], *SIGNS))
        assert (tmp_path / "everything.log").stat().st_size > 10_000, "nothing was logged: the test shows nothing"


def plant(sandbox, rule: dict) -> None:
    """Set a fault."""
    sandbox.faults.add(FaultRule.from_json(rule))


def test_the_command_line_prints_no_secret_even_when_it_fails(tmp_path):
    options = SandboxOptions(scenario="demo", is_throttled=False, wait_scale=0)
    with running_sandbox(options) as sandbox:
        words = ["--debug", *migrate_words(sandbox, tmp_path / "m.duckdb", "latest")]
        token = sandbox.token
        done = run(sandbox, tmp_path, words)
        sandbox.world.principals.revoke_token(token)
        refused = run(sandbox, tmp_path, words)
        assert [0, 3] == [done.returncode, refused.returncode]
        for text in (done.stdout, done.stderr, refused.stdout, refused.stderr):
            assert token not in text
            assert "X-Amz-Signature" not in text
