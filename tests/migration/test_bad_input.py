"""Bad input: one clear sentence with its fix, the documented exit code, nothing written, no traceback."""

import http.server
import json
import os
import socket
import sys
import threading
from pathlib import Path
from urllib.request import Request, urlopen

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import run, writes

from sandbox.server import SandboxOptions, running_sandbox
from sandbox.synapse.http import Scope


@pytest.fixture(scope="module")
def sandbox():
    with running_sandbox(SandboxOptions(scenario="mixed", is_throttled=False, wait_scale=0)) as running:
        yield running


@pytest.fixture
def words(sandbox, tmp_path):
    facts = sandbox.facts

    def make(*, root=facts.root_id, destination=facts.destination_id, index=tmp_path / "m.duckdb", more=("--force",)):
        return ["migrate", str(root), str(destination), str(index), "--file-version-strategy", "latest", *more]

    return make


def refused(sandbox, home, words, *, code: int, says: tuple[str, ...], **environment) -> str:
    """Run, and check what every refusal must be like."""
    sandbox.app.traffic.reset()
    ended = run(sandbox, home, words, **environment)
    assert code == ended.returncode, ended.stderr
    assert "Traceback" not in ended.stderr
    told = " ".join(ended.stderr.split())
    missing = [part for part in says if part.lower() not in told.lower()]
    assert [] == missing, told
    assert 0 == writes(sandbox)
    return told


def test_no_token(sandbox, tmp_path, words):
    refused(sandbox, tmp_path, words(), code=3, says=("token", "SYNAPSE_AUTH_TOKEN"), SYNAPSE_AUTH_TOKEN="")


def test_a_wrong_token(sandbox, tmp_path, words):
    told = refused(sandbox, tmp_path, words(), code=3, says=("token",), SYNAPSE_AUTH_TOKEN="no-such-token-1234567")
    assert "no-such-token-1234567" not in told


def test_a_token_without_the_scope(sandbox, tmp_path, words):
    principals = sandbox.world.principals
    token = principals.issue_token(principals.demo.id, scopes=frozenset({Scope.VIEW}))
    refused(sandbox, tmp_path, words(), code=3, says=("scope",), SYNAPSE_AUTH_TOKEN=token)


def test_an_unknown_entity(sandbox, tmp_path, words):
    refused(sandbox, tmp_path, words(root="syn99999999"), code=2, says=("syn99999999", "not found"))


def test_an_entity_in_the_trash(sandbox, tmp_path, words):
    header = {"Authorization": f"Bearer {sandbox.token}", "Content-Type": "application/json"}
    body = b'{"concreteType":"org.sagebionetworks.repo.model.Project","name":"to be trashed"}'
    made = Request(f"{sandbox.url}/repo/v1/entity", data=body, headers=header, method="POST")
    entity = json.load(urlopen(made))["id"]
    urlopen(Request(f"{sandbox.url}/repo/v1/entity/{entity}", headers=header, method="DELETE"))
    refused(sandbox, tmp_path, words(root=entity), code=2, says=(entity, "trash"))


def test_something_that_is_no_id(sandbox, tmp_path, words):
    refused(sandbox, tmp_path, words(root="my project"), code=2, says=("my project", "syn123"))


def test_a_destination_that_is_not_ours(sandbox, tmp_path, words):
    refused(sandbox, tmp_path, words(destination=1), code=3, says=("storage location 1", "own"))


def test_a_destination_that_does_not_exist(sandbox, tmp_path, words):
    refused(sandbox, tmp_path, words(destination=987654), code=2, says=("987654", "does not exist"))


def test_the_destination_as_its_own_source(sandbox, tmp_path, words):
    destination = str(sandbox.facts.destination_id)
    more = ("--force", "--source-storage-location-ids", destination)
    refused(sandbox, tmp_path, words(more=more), code=2, says=(destination, "both source and destination"))


def location(sandbox, **body) -> int:
    """Make a storage location as the demo user."""
    header = {"Authorization": f"Bearer {sandbox.token}", "Content-Type": "application/json"}
    made = Request(f"{sandbox.url}/repo/v1/storageLocation", data=json.dumps(body).encode(), headers=header)
    return json.load(urlopen(made))["storageLocationId"]


def test_a_location_that_cannot_receive(sandbox, tmp_path, words):
    proxy = location(
        sandbox,
        concreteType="org.sagebionetworks.repo.model.project.ProxyStorageLocationSettings",
        uploadType="HTTPS",
        proxyUrl="https://proxy.example.org",
        secretKey="0123456789abcdef0123456789abcdef0123",
    )
    refused(sandbox, tmp_path, words(destination=proxy), code=2, says=("PROXY", "EXTERNAL_S3"))


def test_a_destination_that_needs_a_login_nobody_has_given(sandbox, tmp_path, words):
    sftp = location(
        sandbox,
        concreteType="org.sagebionetworks.repo.model.project.ExternalStorageLocationSetting",
        uploadType="SFTP",
        url="sftp://files.example.org/data",
    )
    refused(
        sandbox, tmp_path, words(destination=sftp), code=3, says=("sftp://files.example.org", "SYNAPSE_SFTP_USERNAME")
    )


def test_an_sts_destination(sandbox, tmp_path, words):
    sts = location(
        sandbox,
        concreteType="org.sagebionetworks.repo.model.project.S3StorageLocationSetting",
        uploadType="S3",
        stsEnabled=True,
    )
    refused(sandbox, tmp_path, words(destination=sts), code=2, says=("STS", "folder"))


def test_the_index_of_another_migration(sandbox, tmp_path, words):
    facts = sandbox.facts
    index = tmp_path / "m.duckdb"
    first = ["index", facts.root_id, str(facts.destination_id), str(index), "--file-version-strategy", "new"]
    run(sandbox, tmp_path, [*first, "--continue-on-error"])
    refused(sandbox, tmp_path, words(index=index), code=2, says=("strategy", "new", "latest"))


def test_a_corrupt_index(sandbox, tmp_path, words):
    index = tmp_path / "m.duckdb"
    index.write_bytes(os.urandom(20_000))
    refused(sandbox, tmp_path, words(index=index), code=2, says=("m.duckdb",))


def test_a_truncated_index(sandbox, tmp_path, words):
    facts = sandbox.facts
    index = tmp_path / "m.duckdb"
    words_ = ["index", facts.root_id, str(facts.destination_id), str(index), "--file-version-strategy", "latest"]
    run(sandbox, tmp_path, [*words_, "--continue-on-error"])
    index.write_bytes(index.read_bytes()[: index.stat().st_size // 2])
    refused(sandbox, tmp_path, words(index=index), code=2, says=("m.duckdb",))


def test_somebody_elses_duckdb_file(sandbox, tmp_path, words):
    index = tmp_path / "m.duckdb"
    with duckdb.connect(str(index)) as database:
        database.execute("create table research (results integer)")
    refused(sandbox, tmp_path, words(index=index), code=2, says=("m.duckdb",))
    with duckdb.connect(str(index), read_only=True) as database:
        assert [("research",)] == database.execute("show tables").fetchall()


def test_a_path_in_a_folder_that_is_not_there(sandbox, tmp_path, words):
    index = tmp_path / "no" / "such" / "m.duckdb"
    refused(sandbox, tmp_path, words(index=index), code=2, says=("no/such",))


def test_an_unwritable_path(sandbox, tmp_path, words):
    refused(sandbox, tmp_path, words(index=Path("/proc/m.duckdb")), code=2, says=("/proc",))


def test_an_index_that_another_process_holds(sandbox, tmp_path, words):
    index = tmp_path / "m.duckdb"
    facts = sandbox.facts
    make = ["index", facts.root_id, str(facts.destination_id), str(index), "--file-version-strategy", "latest"]
    run(sandbox, tmp_path, [*make, "--continue-on-error"])
    with duckdb.connect(str(index)):
        refused(sandbox, tmp_path, words(index=index), code=7, says=(str(os.getpid()),))


def test_without_a_terminal_nothing_is_migrated(sandbox, tmp_path, words):
    told = refused(sandbox, tmp_path, words(more=("--continue-on-error",)), code=6, says=("--force",))
    assert "Proceed" not in told


def test_an_unknown_option(sandbox, tmp_path, words):
    refused(sandbox, tmp_path, words(more=("--forse",)), code=2, says=("--forse",))


def test_an_endpoint_that_is_down(sandbox, tmp_path, words):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/repo/v1"
    refused(sandbox, tmp_path, words(), code=8, says=(address,), SYNAPSE_REPO_ENDPOINT=address)


def test_an_endpoint_that_answers_html(sandbox, tmp_path, words):
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = b"<html><body>Welcome to the hotel network</body></html>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/repo/v1"
        refused(sandbox, tmp_path, words(), code=8, says=(address,), SYNAPSE_REPO_ENDPOINT=address)
        server.shutdown()


def test_a_csv_log_in_the_place_of_the_index_or_of_a_folder_is_refused_before_anything_runs(sandbox, tmp_path, words):
    """Also where the index is still to be made: it would be lost as soon as the run had ended."""
    index = tmp_path / "m.duckdb"
    refused(sandbox, tmp_path, words(more=("--force", "--csv-log-path", str(index))), code=2, says=("is the index",))
    refused(
        sandbox, tmp_path, words(more=("--force", "--csv-log-path", str(tmp_path))), code=2, says=("ordinary file",)
    )
    (tmp_path / "file").touch()
    more = ("--force", "--report-folder", str(tmp_path / "file"))
    refused(sandbox, tmp_path, words(more=more), code=2, says=("no folder",))
    assert not index.exists()


def test_one_version_is_no_root(sandbox, tmp_path, words):
    refused(sandbox, tmp_path, words(root="syn1002.1"), code=2, says=("names a version", "syn1002"))
