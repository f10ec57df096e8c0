"""The judge looks at our work: a project made by the real client, moved by us, read by the real client again."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sandbox.server import Sandbox

pytestmark = [pytest.mark.judge, pytest.mark.timeout(240)]

Ask = Callable[..., Any]
PROGRAM = (sys.executable, "-c", "from storage_core.cli.main import main; main()")


@pytest.fixture
def storage(surroundings: dict[str, str], sandbox: "Sandbox", tmp_path: Path) -> Callable[..., Any]:
    """Runs our command line against the test's sandbox."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, *words],
            cwd=tmp_path,
            env={**surroundings, **sandbox.environment(), "PYTHONPATH": pythonpath(surroundings)},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=200,
        )

    return run


def pythonpath(surroundings: dict[str, str]) -> str:
    """Our packages for a child process, whether they are installed or not."""
    return f"{Path(__file__).parents[2]}:{surroundings.get('PYTHONPATH', '')}"


@pytest.mark.parametrize("strategy", ["all", "latest", "new"])
def test_after_our_migration_the_client_finds_everything_as_it_was(
    strategy: str, ask: Ask, storage: Callable[..., Any], tmp_path: Path
) -> None:
    """Same bytes, names, labels, comments, annotations and provenance in every version; only the location is new."""
    made = ask("preparing")
    before = ask("fetching", versions=made["versions"], round="before")

    done = storage(
        "migrate", made["project"], str(made["destination"]), "move.duckdb",
        "--file-version-strategy", strategy, "--force",
    )  # fmt: skip

    assert 0 == done.returncode, done.stdout + done.stderr
    after = ask("fetching", versions=made["versions"], round="after")
    assert [version["md5"] for version in made["versions"]] == [version["md5"] for version in after]
    assert [version["told"] for version in before] == [version["told"] for version in after]
    moved = [version["location"] == made["destination"] for version in after]
    assert {"all": [True] * 5, "latest": [False, False, True, True, True], "new": [False] * 5}[strategy] == moved
    assert (tmp_path / "move.duckdb").exists()


def test_a_new_version_says_what_the_old_one_said(ask: Ask, storage: Callable[..., Any]) -> None:
    """Strategy new: the added version carries annotations, description and provenance, and lies in the new home."""
    made = ask("preparing")
    newest = made["versions"][2:]

    done = storage("migrate", made["project"], str(made["destination"]), "move.duckdb", "--force")

    assert 0 == done.returncode, done.stdout + done.stderr
    before = ask("fetching", versions=newest, round="before")
    added = [{**version, "number": version["number"] + 1} for version in newest]
    after = ask("fetching", versions=added, round="after")
    assert [version["md5"] for version in newest] == [version["md5"] for version in after]
    assert [made["destination"]] * 3 == [version["location"] for version in after]
    for old, new in zip(before, after, strict=True):
        for what in ("name", "description", "annotations", "activity", "parent", "created", "file_name"):
            assert old["told"][what] == new["told"][what], what


def test_one_configuration_file_serves_both(
    ask: Ask, client_python: Path, surroundings: dict[str, str], sandbox: "Sandbox", tmp_path: Path
) -> None:
    """What `synapse` reads from ~/.synapseConfig, `synapse-storage` reads as well."""
    made = ask("preparing")
    points = sandbox.environment()
    (tmp_path / ".synapseConfig").write_text(
        f"[default]\nauthtoken = {points['SYNAPSE_AUTH_TOKEN']}\n\n[endpoints]\n"
        f"repoEndpoint = {points['SYNAPSE_REPO_ENDPOINT']}\nauthEndpoint = {points['SYNAPSE_AUTH_ENDPOINT']}\n"
        f"fileHandleEndpoint = {points['SYNAPSE_FILE_ENDPOINT']}\nportalEndpoint = {points['SYNAPSE_REPO_ENDPOINT']}\n"
    )
    (tmp_path / ".synapseConfig").chmod(0o600)

    theirs = subprocess.run(
        [client_python.with_name("synapse"), "list", made["project"]],
        cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    ours = subprocess.run(
        [*PROGRAM, "index", made["project"], str(made["destination"]), "x.duckdb"],
        cwd=tmp_path,
        env={**surroundings, "PYTHONPATH": pythonpath(surroundings)},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )

    assert (0, True) == (theirs.returncode, "plain.bin" in theirs.stdout), theirs.stdout + theirs.stderr
    assert 0 == ours.returncode, ours.stdout + ours.stderr
    assert (tmp_path / "x.duckdb").exists()
