"""The speed of a running migration is changed from outside, and the reason for it can be read."""

import json
import subprocess
import time

import pytest

from sandbox.faults import FaultKind, FaultRule
from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from tests.migration.harness import command, environment, migrate_words, run


def started(size: int):
    return running_sandbox(SandboxOptions(scenario="flat", size=size, is_throttled=False, wait_scale=0))


def _limits(sandbox: Sandbox, tmp_path, *more: str):
    done = run(sandbox, tmp_path, ["limits", str(tmp_path / "m.duckdb"), "--json", *more])
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


def test_a_running_migration_goes_on_faster_when_told_so(tmp_path):
    """It was started with ten calls a minute, which would take it the better part of an hour."""
    index = tmp_path / "m.duckdb"
    with started(20) as sandbox:
        process = subprocess.Popen(
            command(*migrate_words(sandbox, index, "latest")),
            env=environment(sandbox, tmp_path, SYNAPSE_CALLS_PER_MINUTE="10"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            pace = _waits_for_the_minute(sandbox, tmp_path)
            assert (10, 10) == (pace["synapse_calls_per_minute"], pace["synapse_calls_last_minute"])
            _limits(sandbox, tmp_path, "--s3-connections", "5")
            _limits(sandbox, tmp_path, "--window", "0:00-24:00", "--synapse-per-minute", "60000", "--zone", "UTC")
            assert 0 == process.wait(120)
        finally:
            process.kill()
            process.wait()
        told = json.loads(run(sandbox, tmp_path, ["status", str(index), "--json"]).stdout)
        assert {"at", "decision"} == told["pace_decisions"][0].keys()
        assert {
            "limits changed: 5 S3 connections",
            "the time window 00:00-24:00 (UTC) holds: 60000 Synapse calls a minute",
        } == {one["decision"] for one in told["pace_decisions"]}
        after = _limits(sandbox, tmp_path, "--as-started")
        assert {
            "synapse_calls_per_minute": None,
            "synapse_calls_in_flight": None,
            "s3_connections": None,
            "zone": None,
            "windows": [],
        } == after["limits"]
        assert after["pace"] is None


def _waits_for_the_minute(sandbox: Sandbox, tmp_path):
    give_up = time.monotonic() + 120
    while time.monotonic() < give_up:
        if (tmp_path / "m.duckdb").exists():
            pace = _limits(sandbox, tmp_path)["pace"]
            if pace and "the next call waits for the minute's budget" in pace["reasons"]:
                return pace
        time.sleep(0.2)
    raise AssertionError("the migration never waited for the minute's budget")


def test_limits_that_make_no_sense_are_refused(tmp_path):
    with started(1) as sandbox:
        missing = run(sandbox, tmp_path, ["limits", str(tmp_path / "none.duckdb")])
        assert 2 == missing.returncode
        assert "There is no index" in missing.stderr
        assert 0 == run(sandbox, tmp_path, migrate_words(sandbox, tmp_path / "m.duckdb", "latest")).returncode
        for words in (["--synapse-per-minute", "0"], ["--as-started", "--s3-connections", "5"]):
            assert 2 == run(sandbox, tmp_path, ["limits", str(tmp_path / "m.duckdb"), *words]).returncode


@pytest.mark.long
def test_what_the_service_and_s3_answer_changes_the_speed_and_status_says_why(tmp_path):
    """Both budgets adapt: three refusals of the minute's rule, one of calls in flight, and S3 asks for less."""
    index = tmp_path / "m.duckdb"
    minute = '{"reason":"Requests are too frequent. Allowed 600 requests every 60 seconds."}'
    flight = '{"reason":"Too many concurrent requests. Allowed 3 concurrent connections at any time."}'
    with started(6) as sandbox:
        sandbox.faults.add(_refused("/bundle2", minute, times=3))
        sandbox.faults.add(_refused("presigned/url", flight, times=1))
        sandbox.faults.add(FaultRule(kind=FaultKind.STATUS_BEFORE, method="PUT", path="partNumber=1", status=503))
        done = run(sandbox, tmp_path, migrate_words(sandbox, index, "latest"), SYNAPSE_CALLS_PER_MINUTE="1000")
        assert 0 == done.returncode, done.stderr
        told = json.loads(run(sandbox, tmp_path, ["status", str(index), "--json"]).stdout)
        decisions = {one["decision"] for one in told["pace_decisions"]}
        assert {
            "Synapse throttles: 900 calls a minute",
            "Synapse counts more calls in flight than we do: 2 at a time",
            "S3 asked to slow down: 64 requests at a time instead of 128",
        } <= decisions
        shown = run(sandbox, tmp_path, ["status", str(index)]).stdout
        assert [] == [one for one in decisions if one not in shown]


def _refused(path: str, body: str, *, times: int) -> FaultRule:
    return FaultRule(kind=FaultKind.STATUS_BEFORE, path=path, status=429, body=body, times=times)
