"""The type system carries the promise "nothing is repointed before its bytes are proven"."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = ["flows", "tasks", "storage_core", "sandbox"]
THE_JUDGE = "storage_core/plan/proving.py"
EXPECTED = re.compile(r"# rejected: ([a-z-]+)$")
FOUND = re.compile(r"^[^:]+:(\d+): error: .*\[([a-z-]+)\]$")


def expected_errors(path: Path) -> set[tuple[int, str]]:
    marks = ((number, EXPECTED.search(line)) for number, line in enumerate(path.read_text().splitlines(), start=1))
    return {(number, mark[1]) for number, mark in marks if mark}


def found_errors(path: Path, repository: Path) -> set[tuple[int, str]]:
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--follow-imports=silent", str(path)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    matches = [FOUND.match(line) for line in errors]
    assert all(matches), done.stdout
    return {(int(match[1]), match[2]) for match in matches if match}


def ways_to_a(name: str, text: str) -> Iterator[int]:
    """Lines that make a *name*, cast something to one, or give the class another name to do so unseen."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if called == name:
                yield node.lineno
            case ast.Call(func=ast.Name(id="cast" | "replace"), args=[first, *_]) if name in ast.dump(first):
                yield node.lineno
            case ast.ImportFrom(names=names) if any(one.name == name and one.asname for one in names):
                yield node.lineno
            case ast.Assign(value=ast.Name(id=named)) if named == name:
                yield node.lineno


def test_mypy_rejects_what_would_break_the_promise(repository: Path) -> None:
    """Exactly the marked lines: a missing error means that the types guard nothing any more."""
    path = repository / "tests" / "typing" / "proof_is_a_type.py"

    assert expected_errors(path) == found_errors(path, repository)


def test_only_the_judge_makes_proven_copies(repository: Path) -> None:
    """Whoever else made one could repoint a place to unproven bytes."""
    assert {THE_JUDGE} == makers_of("ProvenCopy", repository)


@pytest.mark.parametrize("change", ["SwapVersionHandle", "AddVersion", "SwapCellHandle"])
def test_changes_are_made_from_proven_copies_only(repository: Path, change: str) -> None:
    """What is sent to Synapse goes through `repoint`, which takes nothing but a ProvenCopy."""
    assert {"storage_core/plan/repointing.py"} == makers_of(change, repository)


def makers_of(name: str, repository: Path) -> set[str]:
    """The product's files that make such a record."""
    return {
        str(path.relative_to(repository))
        for package in PACKAGES
        for path in (repository / package).rglob("*.py")
        if any(ways_to_a(name, path.read_text()))
    }


def test_the_search_finds_every_way_around_the_judge() -> None:
    """The rule above bites."""
    text = """
from storage_core.model.copies import ProvenCopy as Harmless
ProvenCopy(copy_id=1)
copies.ProvenCopy(copy_id=1)
cast(ProvenCopy, copied)
cast("ProvenCopy", copied)
Trusted = ProvenCopy
isinstance(outcome, ProvenCopy)
"""

    assert [2, 3, 4, 5, 6, 7] == sorted(ways_to_a("ProvenCopy", text))
