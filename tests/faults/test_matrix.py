"""Every call of a migration meets everything that may go wrong: it ends right, or stops rightly and resumes right."""

import random
import time
from collections.abc import Iterator

import pytest

from tests.crash.lab import Lab, running_lab
from tests.faults.matrix import WAYS, Results, all_cells, share_of_today, try_cell
from tests.matrices.counting import Count, end_of_patience, tell

NORMAL_SECONDS = 40
SHARES = 20


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with running_lab() as running:
        yield running


@pytest.mark.timeout(240)
def test_todays_share_of_the_matrix(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    cells = all_cells(lab, [way for way in WAYS if not way.is_long])
    due = share_of_today(cells, SHARES)
    results = Results()
    until = time.monotonic() + NORMAL_SECONDS
    for cell in due:
        if time.monotonic() < until:
            try_cell(lab, cell, results)
    with capsys.disabled():
        print(f"\nfault matrix: {len(results.cures)} of today's {len(due)}, of {len(cells)} cells in all")
        print(results.told())
    assert [] == results.violations


@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
def test_the_whole_matrix(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    results = Results()
    cells = all_cells(lab)
    until = end_of_patience()
    try:
        for cell in random.sample(cells, len(cells)):
            if until is None or time.monotonic() < until:
                try_cell(lab, cell, results)
    finally:
        never_met = [f"never met: {cell}" for cell in results.unmet]
        count = Count(
            what="fault matrix",
            tried=len(results.cures) - len(never_met),
            out_of=len(cells),
            unit="cells",
            violations=len(results.violations),
        )
        tell(capsys, count, "\n".join([results.told(), *never_met]))
    assert [] == results.violations
