"""Who may import whom; the contracts and their names are in pyproject.toml (decision 0001)."""

import subprocess
import sys
from pathlib import Path

import pytest

BLOCKED = """
import importlib, importlib.abc, pkgutil, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"{{name}} is not installed (says this test)", name=name)
        return None

sys.meta_path.insert(0, Blocker())
import {package}
for module in pkgutil.walk_packages({package}.__path__, "{package}."):
    importlib.import_module(module.name)
    print(module.name)
"""


def import_all(package: str, *, without: set[str], repository: Path) -> list[str]:
    code = BLOCKED.format(package=package, blocked=without)
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout.split()


def test_every_import_contract_is_kept(repository: Path) -> None:
    """Layers, exhaustive: also a new sub-package that took no place in them fails."""
    lint_imports = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run([lint_imports, "--no-cache"], cwd=repository, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_core_and_its_command_line_work_without_prefect(repository: Path) -> None:
    """Every module of storage_core is imported where Prefect and the web server's parts are missing."""
    modules = import_all("storage_core", without={"prefect", "fastapi", "starlette", "uvicorn"}, repository=repository)

    assert "storage_core.model.items" in modules


@pytest.mark.parametrize("package", ["flows", "tasks"])
def test_flows_and_tasks_need_no_sandbox(package: str, repository: Path) -> None:
    """The sandbox is an optional part."""
    import_all(package, without={"sandbox", "uvicorn", "httptools"}, repository=repository)


def test_importing_the_core_starts_nothing_heavy(repository: Path) -> None:
    """`import storage_core` stays fast: no database, no AWS library, no Prefect comes along."""
    code = "import sys, storage_core; print(*sorted({'duckdb', 'pyarrow', 'boto3', 'prefect'} & sys.modules.keys()))"

    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)

    assert "" == done.stdout.strip()
