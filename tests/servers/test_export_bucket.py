"""Exports to a real S3: whole or not at all for whoever reads, the same bytes again, nothing of an earlier one lost."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from storage_core.errors import AccessError, ServiceUnavailable, UsageError
from storage_core.exports import publish, write_everything
from storage_core.index.opening import open_index
from storage_core.index.parquet import export_parquet
from storage_core.index.reading import open_for_reading
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.settings import MigrationSettings
from storage_core.reports.report import RunFacts
from storage_core.synapse.clock import SystemClock
from tests.servers.s3 import REGION, Keys, Server

BUCKET = "audit-exports"


@pytest.fixture
def s3(seaweedfs: Server, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client; this process's environment leads AWS tools to the server."""
    lead_to(seaweedfs, seaweedfs.owner, monkeypatch.setenv)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    client = seaweedfs.client()
    if BUCKET not in {one["Name"] for one in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=BUCKET)
    return client


def lead_to(server: Server, keys: Keys, tell: Callable[[str, str], None]) -> None:
    tell("AWS_ENDPOINT_URL", server.url)
    tell("AWS_REGION", REGION)
    tell("AWS_ACCESS_KEY_ID", keys.access)
    tell("AWS_SECRET_ACCESS_KEY", keys.secret)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    path = tmp_path / "m.duckdb"
    settings = MigrationSettings(roots=(EntityId("syn1"),), destination=StorageLocationId(7))
    with open_index(path, settings, create=True) as opened:
        opened.note("made", "for a test")
    return path


def export(index: Path, place: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command, as a person or a script runs it."""
    code = "from storage_core.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "export", str(index), place], env={**os.environ, **variables}, text=True,
        capture_output=True, timeout=120, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def objects_below(client: Any, prefix: str) -> dict[str, bytes]:
    found = client.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/").get("Contents", [])
    return {one["Key"]: client.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read() for one in found}


def damaged(objects: dict[str, bytes], folder: str) -> list[str]:
    """Files that the manifest names and that are not there as it says."""
    manifest = json.loads(objects[f"{folder}/MANIFEST.json"])
    assert manifest["files"]
    return [
        one["name"]
        for one in manifest["files"]
        if hashlib.sha256(objects.get(f"{folder}/{one['name']}", b"")).hexdigest() != one["sha256"]
    ]


def test_the_command_writes_an_export_that_is_whole_and_again_the_same_bytes(
    s3: Any, index: Path, tmp_path: Path
) -> None:
    """The manifest names files with their hashes; DuckDB reads them; the second export changes not one byte."""
    place = f"s3://{BUCKET}/twice"
    done = export(index, place)
    assert (0, place) == (done.returncode, done.stdout.strip()), done.stderr
    first = objects_below(s3, "twice")

    assert [] == damaged(first, "twice")
    events = next(content for key, content in first.items() if "/events_v1/part-0001" in key)
    (tmp_path / "events.parquet").write_bytes(events)
    assert ("for a test",) in duckdb.sql(f"select detail from '{tmp_path / 'events.parquet'}'").fetchall()

    assert 0 == export(index, place).returncode
    assert first == objects_below(s3, "twice")


def test_a_new_export_stands_beside_the_old_one_until_its_manifest_is_there(s3: Any, index: Path) -> None:
    """Whoever reads by the old manifest finds all its files, before and after."""
    assert 0 == export(index, f"s3://{BUCKET}/growing").returncode
    old = objects_below(s3, "growing")
    with open_index(index, None, create=False) as opened:
        opened.note("something", "happened")

    assert 0 == export(index, f"s3://{BUCKET}/growing").returncode

    new = objects_below(s3, "growing")
    assert old["growing/MANIFEST.json"] != new["growing/MANIFEST.json"]
    assert [] == damaged(new, "growing")
    assert [] == damaged(new | {"growing/MANIFEST.json": old["growing/MANIFEST.json"]}, "growing")


class BreakingBucket:
    """A bucket in memory whose line breaks at a certain write."""

    def __init__(self, breaks_at: int) -> None:
        self.held: dict[str, bytes] = {}
        self.writes = 0
        self.breaks_at = breaks_at

    def read(self, name: str) -> bytes | None:
        return self.held.get(name)

    def write(self, name: str, path: Path, *, content_type: str) -> None:
        self.writes += 1
        if self.writes == self.breaks_at:
            raise ServiceUnavailable("The line broke.", fix="Run the same again.")
        self.held[name] = path.read_bytes()


def test_broken_at_any_write_readers_see_the_old_export_or_the_new_one(index: Path, tmp_path: Path) -> None:
    """And the next try completes it, with the same files as if nothing had broken."""

    def prepared(name: str) -> Path:
        with open_for_reading(index) as queries:
            export_parquet(queries, tmp_path / name)
        return tmp_path / name

    old = prepared("old")
    with open_index(index, None, create=False) as opened:
        opened.note("something", "happened")
    new = prepared("new")
    whole = BreakingBucket(0)
    for folder in (old, new):
        publish(folder, whole)
    first = BreakingBucket(0)
    publish(old, first)
    for at in range(1, whole.writes - first.writes + 1):
        broken = BreakingBucket(first.writes + at)
        publish(old, broken)
        with pytest.raises(ServiceUnavailable):
            publish(new, broken)
        assert first.held["MANIFEST.json"] == broken.held["MANIFEST.json"], at
        assert [] == damaged({f"x/{name}": content for name, content in broken.held.items()}, "x")
        publish(new, broken)
        assert whole.held == broken.held


def test_reports_and_export_of_a_run_go_to_s3_too(s3: Any, index: Path) -> None:
    """What flows write when their report folder is an address; everything that is told of is there."""
    written = write_everything(index, f"s3://{BUCKET}/reports", RunFacts(made_at=SystemClock().now()))

    objects = objects_below(s3, "reports")
    assert [] == damaged(objects, "reports/parquet")
    *reports, parquet = (one.removeprefix(f"s3://{BUCKET}/") for one in written)
    assert "reports/parquet" == parquet
    assert reports
    assert all(objects[name] for name in reports)


def test_what_stands_in_the_way_is_refused_in_words_and_left_alone(
    s3: Any, index: Path, seaweedfs: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's own MANIFEST.json, no such bucket, keys that may not, no place at all: each with its exit code."""
    s3.put_object(Bucket=BUCKET, Key="theirs/MANIFEST.json", Body=b"cargo: 12 crates")

    theirs = export(index, f"s3://{BUCKET}/theirs")
    nowhere = export(index, "s3://no-such-bucket-here/x")
    denied = export(index, f"s3://{BUCKET}/denied", AWS_SECRET_ACCESS_KEY="wrong")
    misspelt = export(index, "s3://")

    assert [2, 2, 3, 2] == [one.returncode for one in (theirs, nowhere, denied, misspelt)], [
        one.stderr for one in (theirs, nowhere, denied, misspelt)
    ]
    assert "not part of an export" in theirs.stderr
    assert b"cargo: 12 crates" == s3.get_object(Bucket=BUCKET, Key="theirs/MANIFEST.json")["Body"].read()
    assert ["theirs/MANIFEST.json"] == list(objects_below(s3, "theirs"))
    assert "no-such-bucket-here" in nowhere.stderr
    assert "Traceback" not in theirs.stderr + nowhere.stderr + denied.stderr + misspelt.stderr
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(AccessError):
        write_everything(index, f"s3://{BUCKET}/denied", RunFacts(made_at=SystemClock().now()))
    with pytest.raises(UsageError):
        write_everything(index, "s3://", RunFacts(made_at=SystemClock().now()))
