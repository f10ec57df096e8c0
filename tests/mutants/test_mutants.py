"""The tests bite: a fault that is planted on purpose turns each of its watchmen red."""

from pathlib import Path

import pytest

from tests.mutants.faults import PLANTED, Planted
from tests.mutants.planting import REPOSITORY, plant, who_notices

NAMES = [f"{fault.path}: {fault.how}" for fault in PLANTED]


@pytest.mark.parametrize("fault", PLANTED, ids=NAMES)
def test_every_fault_can_still_be_planted(fault: Planted, tmp_path: Path) -> None:
    """The code it breaks stands where it looks for it, and what it makes of it is Python."""
    target = tmp_path / fault.path
    target.parent.mkdir(parents=True)
    target.write_text((REPOSITORY / fault.path).read_text())

    plant(fault, tmp_path)

    compile(target.read_text(), fault.path, "exec")
    assert all((REPOSITORY / watchman).exists() for watchman in fault.watchmen)


@pytest.mark.long
@pytest.mark.timeout(4000)
@pytest.mark.parametrize("fault", PLANTED, ids=NAMES)
def test_it_is_noticed(fault: Planted) -> None:
    noticed = who_notices(fault)

    assert noticed.red
    assert () == noticed.asleep
