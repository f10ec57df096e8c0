"""`location`, `setting` and `get-sts-token` as people run them."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bucket(sandbox: Sandbox) -> str:
    """A bucket without any owner.txt; the keys in the environment may write into it."""
    sandbox.world.objects.create_bucket("lab-bucket", region="us-east-1")
    return "lab-bucket"


@pytest.fixture
def sts_folder(run: Run, root: str, bucket: str) -> str:
    words = ("--folder-name", "direct", "--bucket", bucket, "--base-key", "sts", "--sts-enabled", "--write-owner-file")
    return str(document(run("location", "setup-s3", "--parent", root, *words, "--json"))["id"])


def document(done: subprocess.CompletedProcess[str], code: int = 0) -> Any:
    """The one JSON document on standard output."""
    assert code == done.returncode, done.stderr
    return json.loads(done.stdout)


def test_a_location_is_made_once_and_found_afterwards(run: Run, bucket: str) -> None:
    words = ("location", "create", "external-s3", "--bucket", bucket, "--base-key", "/raw/", "--json")
    refused = run(*words)
    made = document(run(*words, "--write-owner-file"))
    found = document(run(*words))

    assert (2, True) == (refused.returncode, "raw/owner.txt must be a text with your user name" in refused.stderr)
    assert ("made", "raw/owner.txt", "raw") == (made["origin"], made["owner_file"], made["base_key"])
    assert ("found", None) == (found["origin"], found["owner_file"])
    assert made["storage_location_id"] == found["storage_location_id"]


def test_a_secret_comes_from_a_file_and_is_shown_to_nobody(run: Run, root: str, tmp_path: Path) -> None:
    secret = "planted-secret-" + "x" * 30
    (tmp_path / "secret").write_text(f"{secret}\n")
    words = ("location", "create", "PROXY", "--proxy-url", "https://proxy.example.org", "--benefactor-id", root)
    made = run(*words, "--secret-key-file", "secret", "--json")
    number = str(document(made)["storage_location_id"])
    shown = [made, run("location", "get", number), run("location", "get", number, "--json"), run("location", "list")]

    for done in shown:
        assert (0, False) == (done.returncode, secret in done.stdout + done.stderr)
    assert "***" in shown[1].stdout
    assert 2 == run(*words, "--secret-key-file", "no-such-file").returncode


def test_any_attribute_of_any_type_can_be_set(run: Run) -> None:
    pairs = ("--set", "url=sftp://lab/in", "--set", "supports-subfolders=true")
    made = document(run("location", "create", "external_sftp", *pairs, "--json"))

    assert ("sftp://lab/in", True, "SFTP") == (made["url"], made["supports_subfolders"], made["upload_type"])
    assert 2 == run("location", "create", "external_sftp", "--set", "url").returncode


def test_what_is_wrong_in_the_words_is_told_without_signing_in(run_alone: Run) -> None:
    """No token is needed to learn that a rule is broken."""
    for words, sentence in [
        (("location", "create", "EXTERNAL_OBJECT_STORE", "--bucket", "a/b"), "bucket must not contain '/'"),
        (("location", "create", "FTP"), "no type of storage location"),
        (("location", "setup-s3", "syn1", "--base-key", "x"), "A base key without a bucket"),
        (("setting", "set", "syn1", "one"), "not a storage location id"),
    ]:
        done = run_alone(*words)
        assert (2, True) == (done.returncode, sentence in done.stderr), words


def test_settings_are_set_resolved_and_removed(run: Run, root: str, destination: str) -> None:
    assert "created" == document(run("setting", "set", root, destination, "1", "--json"))["setting"]
    assert "unchanged" == document(run("setting", "set", root, f"{destination},1", "--json"))["setting"]
    assert "updated" == document(run("setting", "set", root, "1", destination, "--json"))["setting"]
    assert [1, int(destination)] == document(run("setting", "get", root, "--json"))["storage_location_ids"]
    resolved = document(run("setting", "resolve", root, "--json"))
    assert (1, root, False) == (resolved["storage_location_id"], resolved["from"], resolved["is_inherited"])
    assert "deleted" == document(run("setting", "delete", root, "--json"))["setting"]
    assert "absent" == document(run("setting", "delete", root, "--json"))["setting"]
    assert "Synapse's own" in run("setting", "resolve", root).stdout


def test_the_tree_shows_where_new_uploads_of_every_container_go(run: Run, root: str, sts_folder: str) -> None:
    shown = document(run("setting", "tree", root, "--json"))
    printed = run("setting", "tree", root)

    by_id = {one["id"]: one for one in shown["containers"]}
    assert (None, 1) == (by_id[root]["from"], by_id[root]["storage_location_ids"][0])
    assert sts_folder == by_id[sts_folder]["from"]
    files = sum(one["files"] for one in shown["containers"])
    assert files == sum(shown["files_by_storage_location"].values()) > 0
    assert "  direct" in printed.stdout
    assert "itself" in printed.stdout


def test_setting_up_twice_finds_everything(run: Run, root: str, bucket: str, sts_folder: str) -> None:
    words = ("--folder-name", "direct", "--bucket", bucket, "--base-key", "sts", "--sts-enabled")
    again = document(run("location", "setup-s3", "--parent", root, *words, "--json"))

    assert (sts_folder, "found", "unchanged") == (again["id"], again["origin"], again["setting"])


@pytest.mark.parametrize("form", ["bash", "shell"])
def test_a_shell_takes_the_credentials_and_standard_output_holds_nothing_else(
    form: str, run: Run, sts_folder: str, environment: dict[str, str]
) -> None:
    """What `eval "$(...)"` does; nothing is greeted, nothing is told."""
    printed = run("get-sts-token", sts_folder.removeprefix("syn"), "read_write", "-o", form)
    assert (0, "") == (printed.returncode, printed.stderr)
    script = 'eval "$1"; printf "%s" "$SYNAPSE_STS_S3_LOCATION|$AWS_ACCESS_KEY_ID|$AWS_SESSION_TOKEN"'
    done = subprocess.run(["bash", "-c", script, "-", printed.stdout], capture_output=True, text=True, check=True)

    place, key, token = done.stdout.split("|")
    assert ("s3://lab-bucket/sts", "ASIA", "") == (place, key[:4], done.stderr)
    assert len(token) > 40


@pytest.mark.parametrize("words", [("-o", "json"), ("--json",)])
def test_json_is_json(words: tuple[str, ...], run: Run, sts_folder: str) -> None:
    token = document(run("get-sts-token", sts_folder, "read_only", *words))

    assert {"bucket", "baseKey", "accessKeyId", "secretAccessKey", "sessionToken", "expiration"} == set(token)


def test_no_credentials_exist_elsewhere(run: Run, root: str) -> None:
    done = run("get-sts-token", root, "read_write", "-o", "bash")

    assert (2, "") == (done.returncode, done.stdout)
    assert "no read_write credentials for" in done.stderr


def test_the_choice_ends_in_a_command(run_alone: Run) -> None:
    chosen = run_alone("location", "choose", "--backend", "aws-s3", "--synapse-access", "yes", "--sts", "yes")

    assert 0 == chosen.returncode
    assert chosen.stdout.startswith("synapse-storage location setup-s3 --parent ENTITY")
    assert "--sts-enabled" in chosen.stdout
    unanswered = run_alone("location", "choose", "--backend", "aws-s3")
    assert (2, True) == (unanswered.returncode, "--synapse-access yes/no" in unanswered.stderr)
    assert 2 == run_alone("location", "choose", "--backend", "floppy").returncode


def test_the_choice_asks_at_a_terminal(run_in_terminal: Callable[..., str]) -> None:
    screen = run_in_terminal("yes\nno\nfloppy\nproxy\n", "location", "choose")

    assert "What holds the bytes?" in screen
    assert "location create PROXY" in screen


@pytest.fixture
def run_in_terminal(repository: Path, environment: dict[str, str], tmp_path: Path) -> Callable[..., str]:
    """Run the program at a terminal where everything is typed at once; the screen at its end."""
    import pty
    import select
    import sys

    def run(typed: str, *arguments: str) -> str:
        ours, theirs = pty.openpty()
        code = "from storage_core.cli.main import main; main()"
        path = os.pathsep.join([str(repository), environment.get("PYTHONPATH", "")])
        with subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env={**environment, "PYTHONPATH": path, "TERM": "xterm", "COLUMNS": "100"},
            cwd=tmp_path,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as program:
            os.close(theirs)
            os.write(ours, typed.encode())
            screen = ""
            while select.select([ours], [], [], 60)[0]:
                try:
                    shown = os.read(ours, 65536)
                except OSError:
                    break
                if not shown:
                    break
                screen += shown.decode()
            assert 0 == program.wait(timeout=60), screen
        os.close(ours)
        return screen

    return run
