"""Commands against a sandbox: the life of a migration as a steward runs it."""

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.faults import FaultKind, FaultRule
from sandbox.scenarios.facts import ExpectedVersion, Trait
from sandbox.server import Sandbox
from sandbox.state import state_of

Run = Callable[..., subprocess.CompletedProcess[str]]
AtTerminal = Callable[..., tuple[int, str]]


def _counts(run: Run, index: str) -> dict[str, int]:
    document = json.loads(run("status", index, "--json").stdout)
    return {status: items for status, items in document["items"]["by_status"].items() if items and status != "SKIPPED"}


def _movable(sandbox: Sandbox) -> list[ExpectedVersion]:
    """What the sample project says can be migrated."""
    assert sandbox.facts is not None
    expectation = sandbox.facts.expectation
    return [version for version in expectation.of_trait(Trait.ORDINARY, Trait.HUGE) if version.is_current]


def test_a_migration_from_index_to_verify(
    run: Run, root: str, destination: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    """index, plan, the refusal without a person, --force with old spellings, why, verify, and nothing left."""
    movable = _movable(sandbox)
    files, copies = len(movable), len({version.handle_id for version in movable})
    indexed = run("index", root, destination, "x.duckdb")
    assert indexed.returncode == 0
    told = f"{files} needing migration, 2 already stored in destination storage location ({destination})."
    assert told in indexed.stderr
    assert {"INDEXED": files, "ALREADY_MIGRATED": 2} == _counts(run, "x.duckdb")

    planned = json.loads(run("plan", "x.duckdb", "--json").stdout)
    assert (files, copies, True) == (planned["repoints"], planned["copies"], planned["is_indexed"])
    assert ["requests", "between regions", "kept twice"] == [line["kind"] for line in planned["costs"]["lines"]]

    refused = run("migrate", root, destination, "x.duckdb")
    assert refused.returncode == 6
    assert f"Plan hash: {planned['hash']}" in refused.stdout
    assert f"Prices of {planned['costs']['prices_as_of']}: " in refused.stdout
    assert refused.stderr.rstrip().endswith(f"synapse-storage migrate {root} {destination} x.duckdb --force")
    assert {"INDEXED": files, "ALREADY_MIGRATED": 2} == _counts(run, "x.duckdb")

    moved = run("migrate", root, destination, "x.duckdb", "--force", "--continue_on_error", "--csv_log_path", "x.csv")
    assert moved.returncode == 0, moved.stderr
    assert {"MIGRATED": files, "ALREADY_MIGRATED": 2} == _counts(run, "x.duckdb")
    assert "Completed migration of" in moved.stderr
    assert f"{files} items migrated. 0 errors encountered." in moved.stderr
    assert "Report: x-report/x.html" in moved.stdout
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert files == sum(line["status"] == "MIGRATED" for line in lines)
    assert f"Complete: {files} items migrated" in (tmp_path / "x-report" / "x.html").read_text(encoding="utf-8")

    one = next(line for line in lines if line["status"] == "MIGRATED")
    life = run("why", one["id"], "x.duckdb")
    assert life.returncode == 0
    assert f"file handle {one['to_file_handle_id']} in storage location {destination}" in life.stdout
    assert "read back as written" in life.stdout

    verified = run("verify", "x.duckdb", "--json")
    assert {"verified": files, "differences": []} == json.loads(verified.stdout)

    again = run("migrate", root, destination, "x.duckdb")
    assert again.returncode == 0
    assert "No files found needing migration." in again.stderr


def test_a_dry_run_with_old_spellings_changes_nothing(run: Run, root: str, destination: str, sandbox: Sandbox) -> None:
    before = state_of(sandbox.world)
    done = run(
        "migrate", root, destination, "dry.duckdb", "--dryRun", "--file_version_strategy", "all",
        "--source_storage_location_ids", "1", "2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Dry run, index created at dry.duckdb but skipping migration." in done.stderr
    assert "Plan hash:" in done.stdout
    assert before == state_of(sandbox.world)


@pytest.mark.parametrize("answer", ["n", "", "x"])
def test_a_person_who_does_not_say_yes_is_not_overruled(
    answer: str, at_terminal: AtTerminal, root: str, destination: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Also a csv log that was asked for is written, where the existing client crashed."""
    before = state_of(sandbox.world)
    code, shown = at_terminal(answer, "migrate", root, destination, "asked.duckdb", "--csv-log-path", "asked.csv")
    assert code == 6
    assert "Proceed? (y/n)? " in shown
    assert "nothing was changed in Synapse" in shown
    assert (tmp_path / "asked.csv").exists()
    assert before == state_of(sandbox.world)


def test_other_settings_for_the_same_index_are_refused(run: Run, root: str, destination: str) -> None:
    assert run("index", root, destination, "bound.duckdb").returncode == 0
    done = run("index", root, destination, "bound.duckdb", "--file-version-strategy", "all")
    assert done.returncode == 2
    assert "belongs to another migration" in done.stderr


def test_somebody_elses_location_is_an_access_error(run: Run, root: str) -> None:
    done = run("index", root, "1", "foreign.duckdb")
    assert done.returncode == 3
    assert "belongs to somebody else" in done.stderr


def test_a_project_that_is_not_there_is_a_usage_error(run: Run, destination: str) -> None:
    done = run("index", "syn999999", destination, "gone.duckdb")
    assert done.returncode == 2
    assert "was not found" in done.stderr


def test_a_dead_service_is_unavailable(run_alone: Run, root: str, destination: str, sandbox: Sandbox) -> None:
    there = {**sandbox.environment(), "SYNAPSE_REPO_ENDPOINT": "http://127.0.0.1:9/repo/v1"}
    done = run_alone("index", root, destination, "dead.duckdb", **there, SYNAPSE_PATIENCE_SECONDS="0")
    assert done.returncode == 8
    assert "Traceback" not in done.stderr


def test_a_wrong_token_is_an_access_error(run_alone: Run, root: str, destination: str, sandbox: Sandbox) -> None:
    done = run_alone("migrate", root, destination, "x.duckdb", **{**sandbox.environment(), "SYNAPSE_AUTH_TOKEN": "no"})
    assert done.returncode == 3


def test_locations_and_settings_are_shown(run: Run, root: str, destination: str) -> None:
    listed = json.loads(run("location", "list", "--json").stdout)["locations"]
    assert int(destination) in [location["storage_location_id"] for location in listed]
    one = json.loads(run("location", "get", destination, "--json").stdout)
    assert ("EXTERNAL_S3", "lab-archive") == (one["storage_type"], one["bucket"])
    assert {"id": root, "storage_location_ids": []} == json.loads(run("setting", "get", root, "--json").stdout)
    resolved = json.loads(run("setting", "resolve", root.removeprefix("syn"), "--json").stdout)
    assert (root, 1, None) == (resolved["id"], resolved["storage_location_id"], resolved["from"])


def test_doctor_is_content_with_a_good_set_up(run: Run, root: str, destination: str) -> None:
    done = run("doctor", "--entity", root, "--location", destination)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "you may view, download, edit" in done.stdout


def test_doctor_names_what_is_not_mine(run: Run) -> None:
    assert run("doctor", "--location", "1").returncode == 3


def test_the_demo_ends_with_a_report(run_alone: Run, tmp_path: Path) -> None:
    done = run_alone("demo", "shown", "--no-open")
    assert done.returncode == 0, done.stderr
    assert "migrated, proven and read back." in done.stdout
    assert (tmp_path / "shown" / "demo.html").exists()
    assert run_alone("demo", "shown", "--no-open").returncode == 2


def test_verify_finds_what_changed_later_and_says_so(run: Run, root: str, destination: str, sandbox: Sandbox) -> None:
    """Exit code 4, the entity and what differs; the index stays as it is."""
    assert run("migrate", root, destination, "x.duckdb", "--force").returncode == 0
    moved = json.loads(run("why", _landmark(sandbox, "readme"), "x.duckdb", "--json").stdout)["items"][0]
    sandbox.world.handles.change(moved["to_file_handle_id"], content_md5="0" * 32)
    done = run("verify", "x.duckdb")
    assert done.returncode == 4
    assert f"{len(_movable(sandbox)) - 1} items read back as migrated." in done.stdout
    assert f"MD5 is {'0' * 32}, expected {moved['md5']}" in " ".join(done.stdout.split())
    assert run("status", "x.duckdb").returncode == 0


def test_a_failure_is_told_put_back_and_cured(run: Run, root: str, destination: str, sandbox: Sandbox) -> None:
    """One file that may not be changed: exit code 1 and the reason; after `retry` and a second run, all is well."""
    entity_id = _landmark(sandbox, "readme")
    _refuse_changes(sandbox, entity_id)
    failed = run("migrate", root, destination, "x.duckdb", "--force", "--continue-on-error")
    assert failed.returncode == 1, failed.stderr
    files = len(_movable(sandbox))
    assert {"MIGRATED": files - 1, "ERRORED": 1, "ALREADY_MIGRATED": 2} == _counts(run, "x.duckdb")
    told = run("why", entity_id, "x.duckdb").stdout
    assert "NO_WRITE_ACCESS" in told
    assert "(needs a person)" in told

    sandbox.faults.clear()
    assert json.loads(run("retry", "x.duckdb", "--json").stdout)["put_back"] == 0
    assert "1 item put back to work." in run("retry", "x.duckdb", "needs-a-person").stdout
    assert run("migrate", root, destination, "x.duckdb", "--force").returncode == 0
    assert {"MIGRATED": files, "ALREADY_MIGRATED": 2} == _counts(run, "x.duckdb")


def test_too_many_failures_stop_the_run(run: Run, root: str, destination: str, sandbox: Sandbox) -> None:
    _refuse_changes(sandbox, "syn")
    stopped = run("migrate", root, destination, "x.duckdb", "--force", "--max-failures", "2")
    assert stopped.returncode == 5
    assert "more failures than --max-failures allows" in stopped.stderr
    assert 0 < _counts(run, "x.duckdb")["ERRORED"]


def test_errors_are_put_back_by_the_option_too(run: Run, root: str, destination: str, sandbox: Sandbox) -> None:
    _refuse_changes(sandbox, _landmark(sandbox, "readme"))
    assert run("migrate", root, destination, "x.duckdb", "--force").returncode == 1
    sandbox.faults.clear()
    cured = run("migrate", root, destination, "x.duckdb", "--force", "--retry-errors", "all")
    assert cured.returncode == 0, cured.stderr


def _refuse_changes(sandbox: Sandbox, entity_id: str) -> None:
    path = rf"/entity/{entity_id}"
    sandbox.faults.add(FaultRule(kind=FaultKind.STATUS_BEFORE, method="PUT", path=path, times=None, status=403))


def _landmark(sandbox: Sandbox, name: str) -> str:
    assert sandbox.facts is not None
    return sandbox.facts.landmarks[name]
