"""How local files are cut for an upload."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storage_core.plan.parts import GIB, MIB, TIB
from storage_core.plan.upload_parts import UploadPartLimits, plan_upload_parts


@pytest.mark.parametrize(
    ("size", "part", "count"),
    [
        (1, 16 * MIB, 1),
        (16 * MIB, 16 * MIB, 1),
        (16 * MIB + 1, 16 * MIB, 2),
        (2 * GIB, 21 * MIB, 98),
        (20 * GIB, 128 * MIB, 160),
        (5 * TIB, 525 * MIB, 9987),
    ],
)
def test_parts_grow_with_the_file(size: int, part: int, count: int) -> None:
    plan = plan_upload_parts(size)

    assert (part, count) == (plan.part_size_bytes, plan.count)


@given(st.integers(min_value=1, max_value=5 * TIB))
@example(10_000 * 128 * MIB + 1)
def test_every_file_that_fits_is_cut_within_the_limits(size: int) -> None:
    """Never 10,001 parts, never a part below 5 MiB or beyond 2 GiB, where the service miscounts (contract 8.1)."""
    plan = plan_upload_parts(size)

    assert plan.count <= 10_000
    assert 5 * MIB <= plan.part_size_bytes <= 2 * GIB
    assert (plan.count - 1) * plan.part_size_bytes < size <= plan.count * plan.part_size_bytes


@pytest.mark.parametrize("size", [0, -1, 5 * TIB + 1])
def test_what_cannot_be_stored_is_not_planned(size: int) -> None:
    with pytest.raises(ValueError, match="cannot be uploaded"):
        plan_upload_parts(size)


def test_limits_that_would_plan_10001_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="number of parts"):
        UploadPartLimits(most_parts=10_001)
    with pytest.raises(ValueError, match="has to fit"):
        UploadPartLimits(most_parts=10)
