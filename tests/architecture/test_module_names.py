"""Names that Python or Prefect could mistake for something else."""

import sys
from pathlib import Path

import pytest

PACKAGES = ["flows", "tasks", "storage_core", "sandbox"]
MEANINGLESS = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "process", "data", "info", "base"}


@pytest.mark.parametrize("package", ["flows", "tasks"])
def test_no_module_takes_the_place_of_another_one(package: str, repository: Path) -> None:
    """Prefect may put these folders first on the path; `flows/secrets.py` would then be everybody's `secrets`."""
    names = {path.stem for path in (repository / package).glob("*.py")} - {"__init__"}

    assert set() == names & (sys.stdlib_module_names | set(PACKAGES))


@pytest.mark.parametrize("package", PACKAGES)
def test_module_names_say_what_is_inside(package: str, repository: Path) -> None:
    names = {path.stem for path in (repository / package).rglob("*.py")}
    names |= {path.name for path in (repository / package).rglob("*") if path.is_dir()}

    assert set() == names & MEANINGLESS


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_says_what_it_is_for(package: str, repository: Path) -> None:
    """A module starts with a docstring; an empty package file is excused."""
    silent = [
        str(path.relative_to(repository))
        for path in (repository / package).rglob("*.py")
        if (text := path.read_text().strip()) and not text.startswith(('"""', '# ruff: noqa: D100\n"""'))
    ]

    assert [] == silent


@pytest.mark.parametrize("package", PACKAGES)
def test_files_stay_small(package: str, repository: Path) -> None:
    """Split at 500 lines."""
    long = {str(p.relative_to(repository)): n for p in (repository / package).rglob("*.py") if (n := lines(p)) > 500}

    assert {} == long


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())
