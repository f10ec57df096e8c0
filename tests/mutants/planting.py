"""Breaks a copy of the product and asks its tests who notices. The checkout itself is never touched."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.model.test_histories import AS_FOUND
from tests.mutants.faults import Planted

REPOSITORY = Path(__file__).parents[2]
COPIED = ("flows", "tasks", "storage_core", "sandbox", "tests", "pyproject.toml")
LONGEST_SECONDS = 1800
"""For one watchman, also on a machine that is short of time."""
ENOUGH = 5
_RED = re.compile(r"^(?:FAILED|ERROR) (tests/.+?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """Who noticed a fault.

    Attributes:
        red: the tests that failed.
        asleep: the watchmen none of whose tests did.
    """

    red: tuple[str, ...]
    asleep: tuple[str, ...]


def who_notices(fault: Planted) -> Noticed:
    """Plant the fault in a copy, and run its watchmen's normal tests there."""
    with tempfile.TemporaryDirectory(prefix="synapse-storage-planted-") as name:
        folder = Path(name)
        for part in COPIED:
            _copy(REPOSITORY / part, folder / part)
        plant(fault, folder)
        said = "".join(_run(folder, watchman) for watchman in fault.watchmen)
        red = tuple(dict.fromkeys(_RED.findall(said)))
    asleep = tuple(one for one in fault.watchmen if not any(test.startswith(one) for test in red))
    return Noticed(red=red, asleep=asleep)


def plant(fault: Planted, folder: Path) -> None:
    """Put the broken code into the file of the copy; ValueError when the code is no longer as the fault knows it."""
    path = folder / fault.path
    text = path.read_text()
    if text.count(fault.old) != 1:
        raise ValueError(f"{fault.path} has {fault.old!r} {text.count(fault.old)} times; plant this fault elsewhere")
    path.write_text(text.replace(fault.old, fault.new))


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def _run(folder: Path, watchman: str) -> str:
    """What pytest says of one watchman's normal tests; a few red ones are enough, and are not made small."""
    # CI: the random histories are the same ones each time, so that a fault is noticed always or never
    kept = {key: value for key, value in os.environ.items() if key in {"PATH", "LANG", "TMPDIR"}}
    more = {"CI": "1", AS_FOUND: "1", "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    words = ["-q", "-m", "not long", "--tb=no", "-p", "no:randomly", "-rfE", f"--maxfail={ENOUGH}", "--timeout=0"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, watchman],
        cwd=folder,
        env={**kept, **more},
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    return done.stdout
