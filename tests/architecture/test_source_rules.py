"""Rules about the text of our files that no linter knows."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = ["flows", "tasks", "storage_core", "sandbox"]
BROAD = {"Exception", "BaseException"}
# A reason is a comment with words in it, on the line or just above; a bare "noqa: BLE001" is none.
REASON = re.compile(r"#\s*(?:noqa:\s*[A-Z0-9, ]+[-:]*\s*)?(?!noqa)[A-Za-z].*\w+\s+\w+\s+\w+")
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".in", ".lock", ".txt", ".svg", ".html", ".json", ".sql", ".cfg", ""}
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|home|root|opt/(?:wheels|pypi))(?:/[\w.-]+)+|/Users/\w+|/tmp/lab\b")
INDEX_HOSTS = re.compile(r"(?:--|^)(?:extra-)?index-url|--find-links|files\.python" + r"hosted\.org", re.MULTILINE)


def tracked(repository: Path) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: the tracked files are not known")
    files = [repository / name for name in listed.stdout.split("\0") if name]
    return [path for path in files if path.is_file() and path.suffix in TEXT]


def sources(repository: Path) -> Iterator[Path]:
    for package in PACKAGES:
        yield from (repository / package).rglob("*.py")


def is_broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return bool(BROAD & {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)})


def unexcused(path: Path) -> Iterator[int]:
    """Lines that catch everything, neither re-raise nor say why."""
    text = path.read_text()
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler) and is_broad(node):
            passes_on = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
            near = lines[node.lineno - 2 : node.lineno + 1]
            if not passes_on and not any(REASON.search(line) for line in near):
                yield node.lineno


def test_whoever_catches_everything_says_why(repository: Path) -> None:
    """A broad except re-raises, or a comment at it gives the reason."""
    found = [f"{path.relative_to(repository)}:{line}" for path in sources(repository) for line in unexcused(path)]

    assert [] == found


def test_the_search_for_unexcused_handlers_finds_them(tmp_path: Path) -> None:
    """The rule above bites: bare, swallowed and merely noqa'd handlers are found; excused ones are not."""
    sample = tmp_path / "sample.py"
    sample.write_text(
        "try:\n    f()\nexcept Exception:  # noqa: BLE001\n    pass\n"
        "try:\n    f()\nexcept (OSError, BaseException):\n    pass\n"
        "try:\n    f()\nexcept:\n    pass\n"
        "try:\n    f()\nexcept BaseException:\n    raise\n"
        "try:\n    f()\nexcept Exception:  # noqa: BLE001 - one bad row must not end the report\n    pass\n"
    )

    assert [3, 7, 11] == list(unexcused(sample))


def test_nothing_tracked_depends_on_one_machine(repository: Path) -> None:
    """No home folders, mount points or package-index addresses of whoever wrote it."""
    here = Path(__file__)
    found = [
        f"{path.relative_to(repository)}: {match.group()}"
        for path in tracked(repository)
        if path != here
        for pattern in (MACHINE_PATHS, INDEX_HOSTS)
        if (match := pattern.search(path.read_text(errors="replace")))
    ]

    assert [] == found


def test_records_are_frozen(repository: Path) -> None:
    """What travels inside the core cannot be changed on its way."""
    thawed = []
    for path in (repository / "storage_core" / "model").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                thawed += [f"{path.name}: {node.name}" for d in node.decorator_list if not is_frozen(d)]

    assert [] == thawed


def is_frozen(decorator: ast.expr) -> bool:
    text = ast.unparse(decorator)
    return not text.startswith("dataclass") or "frozen=True" in text


def test_only_proving_makes_a_proven_copy(repository: Path) -> None:
    """The type that allows a repoint has one constructor (promise 1); the index may read its own rows back."""
    allowed = {"storage_core/plan/proving.py"}
    callers = {
        path.relative_to(repository).as_posix()
        for path in sources(repository)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "ProvenCopy"
    }

    assert set() == callers - allowed


def test_only_the_configuration_reads_the_environment(repository: Path) -> None:
    """One reader, so that one place says which variable wins over which file."""
    readers = {
        path.relative_to(repository).as_posix()
        for path in sources(repository)
        if re.search(r"\bos\.(?:environ|getenv)\b|\bfrom os import .*\b(?:environ|getenv)\b", path.read_text())
    }

    # the demo sets variables for the Prefect of its own process; it reads none
    assert set() == readers - {"storage_core/config.py", "storage_core/cli/commands/demo.py"}


def deletes_file_handle(call: ast.Call) -> bool:
    """Whether a call of Synapse deletes at the base address of file handles."""
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    return given.get("method") == "'DELETE'" and given.get("base", "").endswith("FILE")


def test_nothing_of_ours_deletes_a_file_handle(repository: Path) -> None:
    """Synapse would delete the stored object with it, even one that another handle still names (decision 0037)."""
    calls = [
        (path.relative_to(repository).as_posix(), node)
        for path in (repository / "storage_core").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "RestCall"
    ]
    sinful = ast.parse("RestCall(method='DELETE', base=Base.FILE, path=handle)", mode="eval").body

    assert len(calls) > 20, "the calls have another form now: look for them anew"
    assert [] == [(where, node.lineno) for where, node in calls if deletes_file_handle(node)]
    assert isinstance(sinful, ast.Call)
    assert deletes_file_handle(sinful)
