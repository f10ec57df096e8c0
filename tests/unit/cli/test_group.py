"""Every ending has its documented exit code and one sentence."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from storage_core.cli.group import Commands
from storage_core.cli.main import EPILOG, app
from storage_core.cli.session import Session
from storage_core.errors import (
    AccessError,
    BadRequest,
    ExitCode,
    FailureThresholdReached,
    Forbidden,
    IndexInUse,
    IndexUnusable,
    Interrupted,
    NotConfirmed,
    NotFound,
    PreconditionFailed,
    RestError,
    ServerFault,
    ServiceUnavailable,
    SynapseStorageError,
    UsageError,
    VerificationMismatch,
)
from storage_core.reports.verdict import EXIT_MEANINGS

PLAIN = {
    UsageError: 2,
    IndexUnusable: 2,
    AccessError: 3,
    VerificationMismatch: 4,
    FailureThresholdReached: 5,
    NotConfirmed: 6,
    IndexInUse: 7,
    ServiceUnavailable: 8,
    Interrupted: 130,
}
REST = {BadRequest: 2, Forbidden: 3, NotFound: 2, PreconditionFailed: 1, ServerFault: 8}


def _outcome(error: BaseException | ExitCode | None, *arguments: str) -> Any:
    """What a program with one command does that ends so."""
    app = typer.Typer(cls=Commands)

    @app.callback()
    def globally(ctx: typer.Context, as_json: bool = typer.Option(False, "--json"), debug: bool = False) -> None:
        ctx.obj = Session(as_json=as_json, debug=debug)

    @app.command()
    def work() -> ExitCode | None:
        if isinstance(error, BaseException):
            raise error
        return error

    return CliRunner().invoke(app, [*arguments, "work"])


@pytest.mark.parametrize(("kind", "code"), PLAIN.items())
def test_each_error_has_its_exit_code(kind: type[SynapseStorageError], code: int) -> None:
    outcome = _outcome(kind("Something \x1b[2J is wrong.", fix="Mend it."))
    assert (code, "", "Error: Something \ufffd[2J is wrong. Mend it.\n") == (
        outcome.exit_code,
        outcome.stdout,
        outcome.stderr,
    )


@pytest.mark.parametrize(("kind", "code"), REST.items())
def test_each_refusal_has_its_exit_code(kind: type[RestError], code: int) -> None:
    outcome = _outcome(kind(call="GET /entity/syn1", status=400, reason="no"))
    assert code == outcome.exit_code
    assert "GET /entity/syn1 was answered 400: no" in outcome.stderr


@pytest.mark.parametrize("code", ExitCode)
def test_a_commands_code_is_the_processs(code: ExitCode) -> None:
    assert int(code) == _outcome(code).exit_code


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_an_interruption_says_how_to_go_on(error: BaseException) -> None:
    outcome = _outcome(error)
    assert outcome.exit_code == 130
    assert "Run the same command again" in outcome.stderr


def test_a_fault_of_ours_is_one_sentence() -> None:
    outcome = _outcome(ZeroDivisionError("division by zero"))
    assert outcome.exit_code == 1
    assert outcome.stderr.startswith("Error: Unexpected ZeroDivisionError: division by zero")
    assert "Traceback" not in outcome.stderr


def test_debug_shows_where() -> None:
    assert "Traceback" in _outcome(ZeroDivisionError("division by zero"), "--debug").stderr


def test_json_has_one_document_for_errors_too() -> None:
    outcome = _outcome(IndexInUse("It is in use.", fix="Wait."), "--json")
    assert {"error": {"what": "It is in use.", "fix": "Wait."}, "exit_code": 7} == json.loads(outcome.stdout)


def test_every_exit_code_is_in_the_help_and_has_a_meaning() -> None:
    assert set(ExitCode) == set(EXIT_MEANINGS)
    assert all(f"{int(code)} " in EPILOG for code in ExitCode)


def test_a_reader_that_goes_away_changes_no_exit_code(repository: Path) -> None:
    """`... | head -1` ends the reading, not the work."""
    code = (
        "import sys, time\n"
        "from storage_core.cli.session import Session\n"
        "session = Session()\n"
        "for number in range(20000): session.print_line(f'line {number}')\n"
        "sys.stderr.write('finished')\n"
        "sys.exit(7)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=repository, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "line 0\n"
        program.stdout.close()
        assert program.stderr is not None
        assert (program.stderr.read(), program.wait(timeout=60)) == ("finished", 7)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["status", "--json"], "Missing argument 'INDEX'."),
        (["--json", "bogus"], "No such command 'bogus'."),
        (["plan", "x.duckdb", "--json", "--forse"], "No such option: --forse"),
    ],
)
def test_with_json_misuse_is_one_document_too(words: list[str], what: str) -> None:
    ended = CliRunner().invoke(app, words)
    assert 2 == ended.exit_code
    document = json.loads(ended.stdout)
    assert (what, 2) == (document["error"]["what"], document["exit_code"])


def test_without_json_misuse_leaves_standard_output_empty() -> None:
    ended = CliRunner().invoke(app, ["status"])
    assert (2, "") == (ended.exit_code, ended.stdout)
