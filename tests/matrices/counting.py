"""What an enumeration came to, told to people and kept for the table of `make matrices`."""

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

COUNTS_FILE = "MATRICES_COUNTS_FILE"
SECONDS = "MATRICES_SECONDS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How much of an enumeration was carried out, and what was found.

    Attributes:
        what: which enumeration, for people.
        tried: how many were carried out, of `out_of`.
        unit: what they are, such as "kills".
        violations: broken promises.
    """

    what: str
    tried: int
    out_of: int
    unit: str
    violations: int

    def told(self) -> str:
        """One line."""
        left = f" of {self.out_of}" if self.tried != self.out_of else ""
        return f"{self.what}: {self.tried}{left} {self.unit}, {self.violations} violations"


def tell(capsys: pytest.CaptureFixture[str], count: Count, more: str = "") -> None:
    """Print a count, with more lines when there are any, and keep it where `make matrices` looks for it."""
    with capsys.disabled():
        print("\n" + "\n".join(filter(None, [count.told(), more])))
    kept = os.environ.get(COUNTS_FILE)
    if kept:
        with Path(kept).open("a") as file:
            file.write(json.dumps(asdict(count)) + "\n")


def end_of_patience() -> float | None:
    """When an enumeration must come to its end, on the monotonic clock; None unless `make matrices` was told so."""
    seconds = os.environ.get(SECONDS)
    return None if seconds is None else time.monotonic() + float(seconds)
