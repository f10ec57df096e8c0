"""The locks are what `make lock` would make of the lists, as far as that can be seen without a network."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

LOCKS = ["run", "dev", "judge"]
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")


def wanted(path: Path) -> list[Requirement]:
    lines = [line.split(" #")[0].strip() for line in path.read_text().splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


def pins(path: Path) -> dict[str, set[str]]:
    """Locked versions by name; one package may have several, for different platforms."""
    found: dict[str, set[str]] = {}
    for line in path.read_text().splitlines():
        if match := PIN.match(line):
            found.setdefault(canonicalize_name(match["name"]), set()).add(match["version"])
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_everything_its_list_asks_for(lock: str, repository: Path) -> None:
    locked = pins(repository / "requirements" / f"{lock}.lock")

    for requirement in wanted(repository / "requirements" / f"{lock}.in"):
        versions = locked.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement.name} is not in {lock}.lock: run make lock"
        assert all(requirement.specifier.contains(version, prereleases=True) for version in versions), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes(lock: str, repository: Path) -> None:
    """pip is told --require-hashes; a line without one would stop it on a fresh machine only."""
    blocks = re.split(r"\n(?=[A-Za-z0-9])", (repository / "requirements" / f"{lock}.lock").read_text().strip())

    assert [] == [block.split()[0] for block in blocks if "--hash=sha256:" not in block]


def test_development_and_run_locks_agree(repository: Path) -> None:
    """Both go into one environment."""
    run, dev = (pins(repository / "requirements" / f"{name}.lock") for name in ("run", "dev"))

    assert {} == {name: (run[name], dev[name]) for name in run.keys() & dev.keys() if not dev[name] <= run[name]}


def test_the_wheel_asks_for_what_the_lock_holds(repository: Path) -> None:
    """pyproject.toml and run.lock cannot drift apart."""
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    locked = pins(repository / "requirements" / "run.lock")

    for requirement in map(Requirement, project["dependencies"] + project["optional-dependencies"]["sandbox"]):
        versions = locked.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement.name} is not in run.lock"
        assert all(requirement.specifier.contains(version) for version in versions), (requirement, versions)


def test_fastapi_stays_below_the_release_that_breaks_prefect(repository: Path) -> None:
    """Decision 0003: with 0.155 and later Prefect's server dies at import, and its metadata does not say so."""
    versions = pins(repository / "requirements" / "run.lock")["fastapi"]

    assert all(SpecifierSet(">=0.139,<0.151").contains(version) for version in versions), versions
