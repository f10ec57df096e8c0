"""`upload` and `download` as people run them."""

import json
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from sandbox.synapse.access import ALL_RIGHTS
from sandbox.synapse.entities import ROOT_ID
from sandbox.synapse.kinds import Kind
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
