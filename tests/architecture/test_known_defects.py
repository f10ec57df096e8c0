"""The page about the existing client's defects names tests; a test that is renamed or removed is missed here."""

import ast
import re
from pathlib import Path

_GUARD = re.compile(r"`(tests/[a-z0-9_/]+\.py)(?:::(test_\w+))?`")


def test_every_guard_that_is_named_exists(repository: Path) -> None:
    page = (repository / "docs" / "existing-client-defects.md").read_text(encoding="utf-8")
    named = _GUARD.findall(page)
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| There")]
    assert len(rows) == len(named) > 40, "every row names one guard"
    assert [] == [f"{path}::{name}" for path, name in named if name not in {"", *_tests_in(repository / path)}]


def _tests_in(path: Path) -> set[str]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, functions)}
