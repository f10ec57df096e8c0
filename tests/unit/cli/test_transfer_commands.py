"""`upload` and `download` as people run them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sandbox.server import Sandbox
from sandbox.synapse.access import ALL_RIGHTS
from sandbox.synapse.entities import ROOT_ID
from sandbox.synapse.kinds import Kind
from storage_core.cli.main import app
from tests.unit.cli.conftest import AtTerminal, Run


@pytest.fixture
def root(sandbox: Sandbox) -> str:
    """An empty project: the sample one holds terabytes that are only declared."""
    world, owner = sandbox.world, sandbox.world.principals.demo.id
    made = world.entities.add(world, kind=Kind.PROJECT, name="for transfers", parent_id=ROOT_ID, created_by=owner)
    world.access.put(world, made.id, {int(owner): ALL_RIGHTS})
    return made.id


def test_a_directory_goes_up_and_comes_down(run: Run, root: str, tmp_path: Path) -> None:
    (tmp_path / "up" / "below").mkdir(parents=True)
    (tmp_path / "up" / "a.txt").write_text("one")
    (tmp_path / "up" / "below" / "b.txt").write_text("two")
    folder = json.loads(run("upload", root, "up", "--json").stdout)

    again = json.loads(run("upload", root, "up", "--json").stdout)
    down = run("download", root, "down", "--json")

    assert ["CREATED", "CREATED"] == [one["result"] for one in folder["files"]]
    assert ["UNCHANGED", "UNCHANGED"] == [one["result"] for one in again["files"]]
    assert "two" == (tmp_path / "down" / "below" / "b.txt").read_text()
    assert str(tmp_path / "down" / "SYNAPSE_METADATA_MANIFEST.tsv") == json.loads(down.stdout)["manifest"]


def test_one_file_gets_a_version_and_an_older_one_comes_back(run: Run, root: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    made = json.loads(run("upload", root, "a.txt", "--json").stdout)["files"][0]
    (tmp_path / "b.txt").write_text("two")

    second = run("upload", made["id"], "b.txt")
    first = run("download", f"{made['id']}.1", "old")

    assert (0, f"NEW_VERSION  {made['id']}.2  b.txt\n") == (second.returncode, second.stdout)
    assert 0 == first.returncode, first.stderr
    assert "one" == (tmp_path / "old" / "a.txt").read_text()


def test_some_failures_are_exit_code_1_with_a_sentence_each(run: Run, root: str, tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("one")
    (tmp_path / "empty.txt").touch()

    done = run("upload", root, "good.txt", "empty.txt", "missing.txt", "--quiet")

    assert 1 == done.returncode
    assert 1 == done.stdout.count("CREATED")
    assert "empty.txt is empty" in done.stderr
    assert "There is no file missing.txt" in done.stderr


def test_one_files_error_is_the_commands(run: Run, root: str, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()

    assert 2 == run("upload", root, "empty.txt").returncode
    assert 2 == run("download", "syn99999999").returncode
    assert 2 == run("download", root, "--name", "x").returncode
    assert 2 == run("upload", root, "empty.txt", str(tmp_path)).returncode


def test_a_terminal_sees_bars_and_gets_its_line_back(at_terminal: AtTerminal, root: str, tmp_path: Path) -> None:
    (tmp_path / "large.bin").write_bytes(b"x" * (20 << 20))

    code, screen = at_terminal("", "upload", root, "large.bin")

    assert 0 == code
    assert "all files" in screen
    assert "CREATED" in screen


def test_a_manifest_is_tried_and_then_done(run: Run, root: str, tmp_path: Path) -> None:
    """Relative paths begin in the current directory; lines without a parent go into ENTITY."""
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.txt").write_text("two")
    (tmp_path / "m.tsv").write_text("path\tused\ttissue\na.txt\tb.txt\tliver\nb.txt\t\t\n")

    tried = json.loads(run("upload", root, "--manifest", "m.tsv", "--dry-run", "--json").stdout)
    done = json.loads(run("upload", root, "--manifest", "m.tsv", "--json").stdout)
    again = run("upload", root, "--manifest", "m.tsv")

    assert (True, ["CREATED", "CREATED"]) == (tried["dry_run"], [one["result"] for one in tried["files"]])
    assert ["CREATED", "CREATED"] == [one["result"] for one in done["files"]]
    assert 2 == again.stdout.count("UNCHANGED")


def test_bad_lines_of_a_manifest_are_usage_errors(run: Run, root: str, tmp_path: Path) -> None:
    (tmp_path / "m.tsv").write_text(f"path\tparent\nmissing.txt\t{root}\nm.tsv\tsyn0x\n")

    done = run("upload", "--manifest", "m.tsv")

    assert 2 == done.returncode
    assert "line 2:" in done.stderr
    assert "line 3: 'syn0x' is not a Synapse id" in done.stderr


def test_one_file_goes_up_with_what_is_said_of_it(run: Run, sandbox: Sandbox, root: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    words = (
        "--annotation",
        "age=7",
        "--annotation",
        "tags=[a,b]",
        "--used",
        root,
        "--executed",
        "https://example.org/x",
    )

    made = json.loads(run("upload", root, "a.txt", *words, "--activity-name", "by hand", "--json").stdout)["files"][0]
    again = json.loads(run("upload", root, "a.txt", *words, "--activity-name", "by foot", "--json").stdout)["files"][0]

    current = sandbox.world.entities.require(made["id"]).current
    assert ("CREATED", "UPDATED", 1) == (made["result"], again["result"], again["version"])
    assert {"type": "LONG", "value": ["7"]} == current.annotations["age"]
    assert "by foot" == sandbox.world.entities.activities.require(current.activity_id or "").name


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("syn1",), "not said what goes where"),
        (("syn1", "a.txt", "--manifest", "m.tsv"), "names its files itself"),
        (("--manifest", "m.tsv", "--name", "x"), "are for files that the command itself names"),
        (("--manifest", "m.tsv", "--used", "syn1"), "stand in the manifest"),
        (("syn1", "a.txt", "--annotation", "age"), "is no annotation"),
        (("syn1", "a.txt", "--annotation", "my age=7"), "no name for an annotation"),
        (("syn1", "a.txt", "--annotation", "age=[true,7]"), "do not go together"),
    ],
)
def test_upload_options_that_make_no_sense_are_refused(words: tuple[str, ...], said: str) -> None:
    """Before a token is looked for."""
    done = CliRunner().invoke(app, ["upload", *words])

    assert 2 == done.exit_code
    assert said in " ".join(done.output.split())
