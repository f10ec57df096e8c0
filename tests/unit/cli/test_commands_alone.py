"""Commands that need no Synapse."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from storage_core.index.opening import open_index
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.settings import MigrationSettings

SETTINGS = MigrationSettings(roots=(EntityId("syn100"),), destination=StorageLocationId(54321))


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """An index in which nothing has been found yet."""
    path = tmp_path / "x.duckdb"
    with open_index(path, SETTINGS, create=True):
        pass
    return path


def test_help_is_fast_and_lists_every_command(run_alone: Any) -> None:
    """Well under half a second of computing; the best of some tries is held to twice that, however busy the machine."""
    done, took = run_alone("--help"), []
    for _ in range(4):
        began = os.times()
        done = run_alone("--help")
        ended = os.times()
        took.append(ended.children_user + ended.children_system - began.children_user - began.children_system)
    assert done.returncode == 0
    for command in ("index", "migrate", "plan", "status", "why", "verify", "retry", "export", "report", "doctor",
                    "sandbox", "demo", "location", "setting"):  # fmt: skip
        assert f"\n  {command} " in done.stdout
    assert min(took) < 0.9


@pytest.mark.parametrize("heavy", ["duckdb", "pyarrow", "httpx", "boto3", "asyncio"])
def test_help_imports_nothing_heavy(heavy: str, repository: Path) -> None:
    import subprocess
    import sys

    code = f"import sys, storage_core.cli.main; print({heavy!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_old_spellings_are_not_in_the_help(run_alone: Any) -> None:
    shown = run_alone("migrate", "--help").stdout
    assert "--dry-run" in shown
    assert "--dryRun" not in shown
    assert "--csv_log_path" not in shown


def test_an_unknown_option_is_a_usage_error_with_a_suggestion(run_alone: Any) -> None:
    done = run_alone("migrate", "syn1", "9", "x.duckdb", "--dry-rum")
    assert done.returncode == 2
    assert "--dry-run" in done.stderr
    assert done.stdout == ""


def test_an_unknown_command_is_a_usage_error_with_a_suggestion(run_alone: Any) -> None:
    done = run_alone("migrat", "syn1")
    assert done.returncode == 2
    assert "migrate" in done.stderr


def test_the_version_is_told(run_alone: Any) -> None:
    done = run_alone("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("synapse-storage ")


def test_without_a_token_it_says_where_to_get_one(run_alone: Any) -> None:
    done = run_alone("index", "syn1", "9", "x.duckdb")
    assert done.returncode == 3
    assert "PersonalAccessTokens" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_refused_request_leaves_no_index_behind(run_alone: Any, tmp_path: Path) -> None:
    assert run_alone("index", "syn1", "9", "x.duckdb").returncode == 3
    assert run_alone("migrate", "sin1", "9", "x.duckdb").returncode == 2
    assert not (tmp_path / "x.duckdb").exists()


@pytest.mark.parametrize(
    "command",
    [["status"], ["plan"], ["retry"], ["export"], ["report"], ["why", "syn1"], ["rollback"], ["unprotect"], ["limits"]],
)
def test_a_missing_index_is_a_usage_error_and_none_is_made(command: list[str], run_alone: Any, tmp_path: Path) -> None:
    """Told before any token is asked for: there is none here."""
    done = run_alone(*command, "missing.duckdb")
    assert done.returncode == 2
    assert "There is no index at" in done.stderr
    assert not (tmp_path / "missing.duckdb").exists()


def test_status_says_what_the_index_is_bound_to(run_alone: Any, index: Path) -> None:
    done = run_alone("status", str(index))
    assert done.returncode == 0
    assert "syn100 to storage location 54321" in done.stdout


def test_status_works_while_another_process_has_the_index(run_alone: Any, index: Path) -> None:
    with open_index(index, None, create=False) as ledger:
        ledger.publish(force=True)
        done = run_alone("status", str(index), "--json")
        refused = run_alone("retry", str(index))
    document = json.loads(done.stdout)
    assert (0, True) == (done.returncode, document["is_running"])
    assert 0 <= document["age_seconds"] < 60
    assert "snapshot of" in done.stderr
    assert refused.returncode == 7
    assert "is in use by process" in refused.stderr


def test_time_windows_are_kept_and_forgotten_one_by_one(run_alone: Any, index: Path) -> None:
    asked = run_alone("limits", str(index), "--window", "mon-fri 8:00-18:00", "--synapse-per-minute", "200")
    assert "  mon-fri 08:00-18:00: 200 Synapse calls a minute" in asked.stdout
    night = ("--window", "22:00-06:00", "--s3-connections", "128", "--zone", "Europe/Berlin")
    told = json.loads(run_alone("limits", str(index), *night, "--json").stdout)["limits"]
    assert ("Europe/Berlin", ["mon-fri 08:00-18:00", "22:00-06:00"]) == (
        told["zone"],
        [window["hours"] for window in told["windows"]],
    )
    left = json.loads(run_alone("limits", str(index), "--no-window", "mon-fri 08:00-18:00", "--json").stdout)
    assert ["22:00-06:00"] == [window["hours"] for window in left["limits"]["windows"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--window", "22:00-06:00"], "--synapse-per-minute"),
        (["--window", "late", "--s3-connections", "5"], "no time window"),
        (["--no-window", "22:00-06:00"], "No limits were asked for"),
        (["--zone", "Middle/Earth"], "no time zone"),
        (["--as-started", "--window", "22:00-06:00", "--s3-connections", "5"], "--as-started"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused_with_what_to_do(
    run_alone: Any, index: Path, words: list[str], said: str
) -> None:
    done = run_alone("limits", str(index), *words)
    assert done.returncode == 2
    assert said in done.stderr


def test_retry_tells_how_many_and_how_to_go_on(run_alone: Any, index: Path) -> None:
    done = run_alone("retry", str(index), "all", "--json")
    go_on = f"synapse-storage migrate syn100 54321 {index} --file-version-strategy new"
    assert {"put_back": 0, "class": "all", "go_on": go_on} == json.loads(done.stdout)


def test_reports_are_written_beside_the_index(run_alone: Any, index: Path) -> None:
    done = run_alone("report", str(index))
    assert done.returncode == 0
    written = [Path(line) for line in done.stdout.splitlines()]
    assert ["x.html", "x.csv", "x.json", "parquet"] == [path.name for path in written]
    assert all(path.exists() for path in written)


def test_one_report_can_be_had_alone(run_alone: Any, index: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert run_alone("report", str(index), "out", "--only", "summary").returncode == 0
    assert ["x.json"] == [path.name for path in (tmp_path / "out").iterdir()]
    refused = run_alone("report", str(index), "--only", "poem")
    assert refused.returncode == 2
    assert "html, csv, summary" in refused.stderr


def test_export_writes_parquet_with_a_manifest(run_alone: Any, index: Path, tmp_path: Path) -> None:
    assert run_alone("export", str(index)).returncode == 0
    names = {path.name for path in (tmp_path / "x-export").iterdir()}
    assert {"items_v1", "copies_v1", "MANIFEST.json"} <= names


def test_doctor_says_what_fails_and_how_to_mend_it(run_alone: Any) -> None:
    done = run_alone("doctor", "--json")
    document = json.loads(done.stdout)
    assert (3, 3) == (done.returncode, document["exit_code"])
    by_name = {check["name"]: check for check in document["checks"]}
    assert by_name["versions"]["is_good"]
    assert not by_name["configuration"]["is_good"]
    assert "SYNAPSE_AUTH_TOKEN" in by_name["configuration"]["fix"]


def test_an_unknown_scenario_is_refused_before_anything_starts(run_alone: Any) -> None:
    done = run_alone("sandbox", "--scenario", "nonsense")
    assert done.returncode == 2
    assert "demo" in done.stderr


def test_the_page_lists_every_command_and_option(repository: Path) -> None:
    """A new command or option is not done before docs/cli.md tells of it."""
    import typer.core
    import typer.main

    from storage_core.cli.main import app

    page = (repository / "docs" / "cli.md").read_text(encoding="utf-8")
    root = typer.main.get_command(app)
    assert isinstance(root, typer.core.TyperGroup)
    missing = [name for name in root.commands if f"`{name}" not in page]
    for command in (root, *root.commands.values()):
        options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
        missing += [option for option in options if option not in page and "completion" not in option]
    assert [] == missing


def test_the_page_lists_every_report(repository: Path) -> None:
    from storage_core.reports import REPORTS

    page = (repository / "docs" / "reports.md").read_text(encoding="utf-8")
    assert [] == [report.name for report in REPORTS if f"| `{report.name}` | `NAME{report.suffix}` |" not in page]
