"""Engines chosen per copy, through the command line: every end state is exact, and the plan says who copies what."""

import json
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest

from sandbox.faults import FaultKind, FaultRule
from sandbox.objects.access import BucketGrant, Credential
from sandbox.objects.records import Attributes
from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from tests.migration.expectation import Expectation, files_in
from tests.migration.harness import migrate_words, run, snapshot, writes

SECOND_BUCKET = "lab-inbox"
FLAT = 400


@pytest.fixture(scope="module")
def mixed():
    options = SandboxOptions(scenario="mixed", is_throttled=False, wait_scale=0)
    return lambda: running_sandbox(options)


def expectation_of(sandbox: Sandbox, strategy: str, **more: object) -> Expectation:
    facts = sandbox.facts
    return Expectation(
        snapshot(sandbox), facts.root_id, facts.destination_id, strategy, unreadable=set(facts.unreadable_ids), **more
    )


def copies_by_engine(index: Path) -> dict[str, int]:
    with duckdb.connect(str(index), read_only=True) as connection:
        return dict(connection.execute("select engine, count(*) from copies_v1 group by engine").fetchall())


@pytest.mark.parametrize("strategy", ["new", "latest", "all"])
def test_the_end_state_is_exact_with_keys_of_ones_own_and_a_second_run_writes_nothing(mixed, tmp_path, strategy):
    with mixed() as sandbox:
        expected = expectation_of(sandbox, strategy)
        index = tmp_path / "m.duckdb"
        words = migrate_words(sandbox, index, strategy, "--continue-on-error", "--json", "--engine", "s3")

        first = run(sandbox, tmp_path, words)
        assert [] == expected.violations(snapshot(sandbox)), first.stderr
        may_fail = expected.unreadable & set(files_in(expected.before, expected.root))
        assert (1 if may_fail else 0) == first.returncode, first.stderr
        summary = json.loads(first.stdout)
        assert expected.places() == summary["items"]["by_status"]["MIGRATED"]
        assert {"s3": len(expected.sources())} == copies_by_engine(index)
        registered = sandbox.app.traffic.by_call["POST /externalfilehandle/s3"]
        assert len(expected.sources()) == registered
        assert 0 == sandbox.app.traffic.by_call["POST /file/multipart"]

        sandbox.app.traffic.reset()
        second = run(sandbox, tmp_path, words)
        assert first.returncode == second.returncode, second.stderr
        assert 0 == writes(sandbox)
        assert [] == expected.violations(snapshot(sandbox))


def test_what_is_copied_looks_as_if_synapse_had_copied_it(mixed, tmp_path):
    """Type, disposition, ACL and key layout are the service's; the source's own metadata stays behind."""
    by_engine = {}
    for engine in ("synapse", "s3"):
        with mixed() as sandbox:
            words = migrate_words(sandbox, tmp_path / f"{engine}.duckdb", "latest", "--continue-on-error")
            run(sandbox, tmp_path, [*words, "--engine", engine])
            found = sandbox.world.objects.list("lab-archive")
            by_engine[engine] = {
                (key.rpartition("/")[2], key.count("/"), key.split("/")[:3] == ["synapse", "migrated", "3412"]): (
                    shown(stored.attributes)
                )
                for key, stored in found
                if not key.endswith("owner.txt")
            }
    # names that Synapse would refuse today are cleaned in requests to Synapse, which leaves those of S3 alone
    plain = {
        name: look
        for name, look in by_engine["s3"].items()
        if name[0].isascii() and f"utf-8''{quote(name[0], safe='')}" in (look[1] or "")
    }
    assert len(plain) > 20
    assert plain == {name: look for name, look in by_engine["synapse"].items() if name in plain}


def shown(attributes: Attributes) -> tuple[object, ...]:
    return attributes.content_type, attributes.disposition, attributes.metadata, attributes.acl


def test_auto_takes_own_keys_where_they_reach_and_synapse_where_they_do_not(mixed, tmp_path):
    with mixed() as sandbox:
        expected = expectation_of(sandbox, "latest")
        index = tmp_path / "m.duckdb"
        words = migrate_words(sandbox, index, "latest", "--continue-on-error", "--json")

        dry = json.loads(run(sandbox, tmp_path, [*words, "--dry-run"]).stdout)
        shares = {share["engine"]: share for share in dry["engines"]}
        assert {"s3", "synapse"} == shares.keys()
        assert SECOND_BUCKET == shares["s3"]["source_bucket"]
        assert "only Synapse reads Synapse's own storage" in shares["synapse"]["why"]
        assert dry["copies"] == sum(share["copies"] for share in dry["engines"])
        assert dry["copy_bytes"] == sum(share["bytes"] for share in dry["engines"])

        run(sandbox, tmp_path, words)
        assert [] == expected.violations(snapshot(sandbox))
        assert {engine: share["copies"] for engine, share in shares.items()} == copies_by_engine(index)


@pytest.mark.parametrize("missing", ["read", "write", "keys"])
def test_auto_goes_by_synapse_and_says_why_when_the_keys_do_not_suffice(mixed, tmp_path, missing):
    with mixed() as sandbox:
        expected = expectation_of(sandbox, "latest")
        more = keys_that_lack(sandbox, missing)
        index = tmp_path / "m.duckdb"
        words = migrate_words(sandbox, index, "latest", "--continue-on-error", "--json")

        dry = json.loads(run(sandbox, tmp_path, [*words, "--dry-run"], **more).stdout)
        (share,) = [one for one in dry["engines"] if one["source_bucket"] == SECOND_BUCKET]
        assert "synapse" == share["engine"]
        assert {"read": "may not read lab-inbox", "write": "may not write", "keys": "may not write"}[missing] in share[
            "why"
        ]

        run(sandbox, tmp_path, words, **more)
        assert [] == expected.violations(snapshot(sandbox))
        assert ["synapse"] == list(copies_by_engine(index))
        assert [] == list(sandbox.world.objects.uploads("lab-archive"))


@pytest.mark.parametrize("missing", ["write", "keys"])
def test_keys_that_cannot_write_end_a_run_that_asked_for_them_before_anything_is_done(mixed, tmp_path, missing):
    with mixed() as sandbox:
        more = keys_that_lack(sandbox, missing)
        before = snapshot(sandbox)
        words = migrate_words(sandbox, tmp_path / "m.duckdb", "latest", "--engine", "s3")

        refused = run(sandbox, tmp_path, words, **more)

        assert 3 == refused.returncode
        assert "--aws-profile" in refused.stderr
        assert before == snapshot(sandbox)


def test_keys_denied_in_the_middle_leave_auto_with_synapse(mixed, tmp_path):
    """The right to read ends after the plan was made: those copies go on by Synapse."""
    with mixed() as sandbox:
        expected = expectation_of(sandbox, "latest")
        sandbox.faults.add(denied_after(sandbox, reads=1))
        index = tmp_path / "m.duckdb"

        run(sandbox, tmp_path, migrate_words(sandbox, index, "latest", "--continue-on-error"))

        assert [] == expected.violations(snapshot(sandbox))
        assert ["synapse"] == list(copies_by_engine(index))


def test_a_copy_that_own_keys_may_not_make_fails_with_its_reason_when_they_were_asked_for(mixed, tmp_path):
    """And `retry` chooses anew: with another engine it comes to its end, and nothing is left behind."""
    with mixed() as sandbox:
        expected = expectation_of(sandbox, "latest")
        index = tmp_path / "m.duckdb"
        words = migrate_words(sandbox, index, "latest", "--continue-on-error")
        sandbox.faults.add(denied_after(sandbox, reads=0))

        failed = run(sandbox, tmp_path, [*words, "--engine", "s3"])
        assert 1 == failed.returncode
        with duckdb.connect(str(index), read_only=True) as connection:
            found = connection.execute("select distinct reason from copies_v1 where status = 'FAILED'").fetchall()
        assert [("NO_KEY_ACCESS",)] == found

        sandbox.faults.clear()
        run(sandbox, tmp_path, [*words, "--engine", "synapse", "--retry-errors", "all"])
        assert [] == expected.violations(snapshot(sandbox))
        assert 1 == copies_by_engine(index)["synapse"]


@pytest.mark.parametrize(
    ("strategy", "more", "most"),
    [
        ("latest", (), 3.1),
        ("latest", ("--index-via", "view"), 2.1),
        ("new", ("--index-via", "view", "--no-provenance"), 2.15),
    ],
)
def test_calls_per_small_file_with_own_keys(tmp_path, strategy, more, most):
    """Index, register, repoint, and a little for listing, proving and reading back; a run's own calls left out."""
    files = {}
    for size in (1, FLAT):
        options = SandboxOptions(scenario="flat", size=size, is_throttled=False, wait_scale=0)
        with running_sandbox(options) as sandbox:
            words = migrate_words(sandbox, tmp_path / f"{size}.duckdb", strategy, "--engine", "s3", *more)
            done = run(sandbox, tmp_path, words)
            assert 0 == done.returncode, done.stderr
            files[size] = sandbox.app.traffic.by_status.total()
    assert (files[FLAT] - files[1]) / (FLAT - 1) <= most, files


def denied_after(sandbox: Sandbox, *, reads: int) -> FaultRule:
    """S3 denies to look at objects of the second bucket, after so many times."""
    del sandbox
    path = f"^/{SECOND_BUCKET}/."
    return FaultRule(kind=FaultKind.STATUS_BEFORE, method="HEAD", path=path, status=403, skip=reads, times=None)


def keys_that_lack(sandbox: Sandbox, what: str) -> dict[str, str]:
    """Variables of a user whose keys do not suffice."""
    if what == "keys":
        return {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
    grants = {
        "read": (BucketGrant(bucket="lab-archive"),),
        "write": (BucketGrant(bucket=SECOND_BUCKET), BucketGrant(bucket="lab-archive", can_write=False)),
    }[what]
    made = sandbox.world.objects.add_credential(
        Credential(access_key="AKIALACKING", secret_key="lackingsecret", grants=grants)
    )
    return {"AWS_ACCESS_KEY_ID": made.access_key, "AWS_SECRET_ACCESS_KEY": made.secret_key}
