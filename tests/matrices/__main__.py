"""`make matrices`: carries out whole enumerations and writes their counts into a dated file; 1 when any is red."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.matrices.counting import COUNTS_FILE, SECONDS, Count

REPOSITORY = Path(__file__).parents[2]
RESULTS = REPOSITORY / "docs" / "matrices"
POINTS = "tests/crash/test_crash_points.py"
STRATEGIES = ("new", "latest", "all", "skip")
HEAD = """# Whole enumerations of {day}

Written by `make matrices`; [reliability.md](../reliability.md) says what each of them is. A run that was given a time
limit draws at random from the whole, and says of how many. Minutes are by the clock, on whatever else the machine did.

| What | How much | Violations | Commit | Ended (UTC) | Minutes |
|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Matrix:
    """One enumeration: a name to ask for it by, and the tests that carry it out."""

    name: str
    tests: tuple[str, ...]


def _points(test: str, *parameters: str) -> tuple[str, ...]:
    return tuple(f"{POINTS}::{test}[{parameter}]" for parameter in parameters)


MATRICES = (
    *(Matrix(f"points-{one}-prompt", _points("test_every_point", f"{one}-prompt")) for one in STRATEGIES),
    Matrix("points-shards", ("tests/crash/test_shard_crash_points.py",)),
    Matrix("points-own-keys", ("tests/crash/test_own_keys_crash_points.py",)),
    Matrix("points-view", ("tests/crash/test_view_crash_points.py",)),
    Matrix("points-protected", ("tests/crash/test_protected_crash_points.py",)),
    Matrix("points-canary", ("tests/crash/test_canary_crash_points.py",)),
    Matrix("points-deep", ("tests/crash/test_deep_crash_points.py",)),
    Matrix("faults", ("tests/faults/test_matrix.py",)),
    Matrix("histories", ("tests/model",)),
    Matrix("people", ("tests/people",)),
    *(Matrix(f"points-{one}-late", _points("test_every_point", f"{one}-late")) for one in STRATEGIES),
    Matrix("points-free", _points("test_points_with_everything_at_once", *STRATEGIES)),
    Matrix("points-twice", _points("test_a_kill_while_resuming_from_a_kill", *STRATEGIES)),
)


def main() -> int:
    """Run the matrices that were asked for, one after the other; each has its row as soon as it has ended."""
    parser = argparse.ArgumentParser(prog="make matrices ARGS=...", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"any of {' '.join(one.name for one in MATRICES)}; all when none")
    parser.add_argument("--seconds", type=float, help="draw at random, for at most so long in each test")
    parser.add_argument("--into", type=Path, help="write here instead of docs/matrices/<day>.md")
    asked = parser.parse_args()
    unknown = set(asked.names) - {one.name for one in MATRICES}
    if unknown:
        parser.error(f"there is no matrix {', '.join(sorted(unknown))}")
    is_red = False
    for matrix in MATRICES:
        if not asked.names or matrix.name in asked.names:
            is_red |= _carried_out(matrix, asked.seconds, asked.into)
    return 1 if is_red else 0


def _carried_out(matrix: Matrix, seconds: float | None, into: Path | None) -> bool:
    """Whether anything was red."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="synapse-storage-matrix-") as name:
        counts_file = Path(name) / "counts"
        counts_file.touch()
        limit = {} if seconds is None else {SECONDS: str(seconds)}
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-m", "long", "-p", "no:randomly", "-p", "no:cacheprovider",
             "--timeout=0", *matrix.tests],
            cwd=REPOSITORY, env={**os.environ, **limit, COUNTS_FILE: str(counts_file)}, check=False,
        )  # fmt: skip
        counts = [Count(**json.loads(line)) for line in counts_file.read_text().splitlines()]
    told = ", ".join(matrix.tests)
    rows = [(one.what, _how_much(one), str(one.violations)) for one in counts]
    if not rows or ended.returncode:
        rows.append((f"all long tests of {told}", "the tests", "none" if ended.returncode == 0 else "RED"))
    _write(rows, into, minutes=(time.monotonic() - began) / 60)
    return ended.returncode != 0


def _how_much(count: Count) -> str:
    whole = "all " if count.tried == count.out_of else ""
    return f"{whole}{count.tried} {count.unit}" if whole else f"{count.tried} of {count.out_of} {count.unit}"


def _write(rows: list[tuple[str, str, str]], into: Path | None, *, minutes: float) -> None:
    now = datetime.now(UTC)
    path = into or RESULTS / f"{now:%Y-%m-%d}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = path.read_text() if path.exists() else HEAD.format(day=f"{now:%Y-%m-%d}")
    commit = _commit()
    lines = [
        f"| {what} | {how_much} | {violations} | {commit} | {now:%H:%M} | {minutes:.0f} |"
        for what, how_much, violations in rows
    ]
    path.write_text(text + "".join(f"{line}\n" for line in lines))
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _commit() -> str:
    """The commit that is tried, marked when files differ from it."""
    asked = ["git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=7"]
    return subprocess.run(asked, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
