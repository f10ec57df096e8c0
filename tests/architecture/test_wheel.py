"""The wheel is the truth: what is in it, and that it works where no checkout is."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

OURS = ["flows", "sandbox", "storage_core", "tasks"]


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheel, built offline by the locked build backend."""
    target = tmp_path_factory.mktemp("dist")
    hatch = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(target)]
    subprocess.run(hatch, cwd=repository, capture_output=True, check=True)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder our wheel alone was installed into."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--quiet", "--no-deps", "--no-index", "--target"]
    subprocess.run([*pip, str(target), str(wheel)], check=True)
    return target


def run_installed(installed: Path, code: str) -> str:
    """Run *code* away from the checkout, with our wheel first on the path."""
    program = f"import sys; sys.path.insert(0, {str(installed)!r})\n{code}"
    done = subprocess.run([sys.executable, "-c", program], cwd=installed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_our_four_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}

    assert set(OURS) == {top for top in tops if not top.endswith(".dist-info")}


def test_the_wheel_is_typed_and_licensed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    assert [f"{package}/py.typed" for package in OURS] == sorted(name for name in names if name.endswith("py.typed"))
    assert any(name.endswith("/LICENSE") for name in names)


def test_every_tracked_file_of_a_package_is_in_the_wheel(wheel: Path, repository: Path) -> None:
    """Also templates, styles and schema files, which only a missing page would tell."""
    listed = subprocess.run(
        ["git", "ls-files", "--", *OURS], cwd=repository, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    present = [name for name in listed.stdout.split() if (repository / name).exists()]
    with zipfile.ZipFile(wheel) as archive:
        assert set() == set(present) - set(archive.namelist())


def test_the_four_names_are_credited_to_us_alone(installed: Path) -> None:
    """`flows` and `tasks` are common words: a stranger's package of that name must not lie beside ours."""
    found = json.loads(
        run_installed(
            installed,
            "import json, importlib.metadata as m\n"
            f"found = m.packages_distributions(); print(json.dumps({{n: sorted(set(found[n])) for n in {OURS!r}}}))",
        )
    )

    assert {name: ["synapse-storage"] for name in OURS} == found


def test_the_installed_command_starts(installed: Path) -> None:
    """The entry point named in the metadata is there and prints its help."""
    help_text = run_installed(
        installed,
        "import importlib.metadata as m, contextlib\n"
        "(entry,) = [e for e in m.distribution('synapse-storage').entry_points if e.name == 'synapse-storage']\n"
        "sys.argv = ['synapse-storage', '--help']\n"
        "with contextlib.suppress(SystemExit):\n    entry.load()()",
    )

    assert "migrate" in help_text


def test_the_installed_packages_are_the_ones_of_the_wheel(installed: Path) -> None:
    """No import reaches back into the checkout."""
    code = f"import importlib\nfor n in {['sandbox', 'storage_core']!r}: print(importlib.import_module(n).__file__)"

    assert all(Path(line).is_relative_to(installed) for line in run_installed(installed, code).split())
