"""plan/parts.py: no cut the service could miscount, no limit broken, no part too many."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storage_core.model.copies import PartPlan, PartRange
from storage_core.plan.parts import (
    GIB,
    MIB,
    SERVICE_LIMITS,
    TIB,
    PartLimits,
    RestOfRun,
    aligned_with,
    parallel_parts,
    plan_parts,
    ranges,
    timely_parts,
)

SIZES = st.one_of(
    st.integers(1, 5 * TIB),
    st.integers(1, 12 * GIB),
    st.builds(
        lambda whole, offset: min(max(whole * GIB + offset, 1), 5 * TIB), st.integers(0, 5120), st.integers(-2, 2)
    ),
)
SMALL = PartLimits(
    single_part_bytes=5 * MIB, several_parts_bytes=5 * MIB, most_parts=100, largest_object_bytes=500 * MIB
)


def faulty_count(size_bytes: int, part_size_bytes: int) -> int:
    """The service's arithmetic, slip included: the remainder is narrowed to signed 32 bits before it is tested."""
    remainder = int.from_bytes((size_bytes % part_size_bytes).to_bytes(8, "big")[-4:], "big", signed=True)
    whole = size_bytes // part_size_bytes
    return max(1, whole + (1 if remainder > 0 else 0))


RESTS = st.builds(
    RestOfRun,
    calls_per_second=st.floats(0.01, 1000),
    large_files=st.integers(0, 8),
    other_seconds=st.one_of(st.just(0.0), st.floats(0, 1e5)),
)
SPEEDS = st.floats(1e6, 1e10)
STREAMS = st.integers(64, 10_000)


@given(SIZES, RESTS, SPEEDS, STREAMS)
def test_no_haste_makes_a_plan_that_the_service_miscounts(size_bytes, rest, speed, streams):
    plan = timely_parts(size_bytes, rest, bytes_per_second=speed, streams=streams)

    assert plan.count == faulty_count(size_bytes, plan.part_size_bytes)
    assert plan.part_size_bytes >= size_bytes or 5 * MIB <= plan.part_size_bytes <= 2 * GIB
    assert plan_parts(size_bytes).count <= plan.count <= 10_000


@given(st.integers(1, 5 * GIB), RESTS, SPEEDS, STREAMS)
def test_one_piece_stays_one_piece_in_any_haste(size_bytes, rest, speed, streams):
    """Its ETag tells of its bytes, which no number of parts does."""
    assert plan_parts(size_bytes) == timely_parts(size_bytes, rest, bytes_per_second=speed, streams=streams)


def timely_count(*, other_seconds=0.0, large_files=1, speed=100e6, calls_per_second=10.0, streams=128):
    rest = RestOfRun(calls_per_second=calls_per_second, large_files=large_files, other_seconds=other_seconds)
    return timely_parts(30 * GIB, rest, bytes_per_second=speed, streams=streams).count


def test_parts_are_few_while_other_files_spend_the_calls():
    """In 15 parts S3 takes 21 s for 30 GiB; nobody waits for that when others are busy for a minute."""
    assert 15 == timely_count(other_seconds=60)
    assert 15 == timely_count(other_seconds=24)


def test_a_single_large_file_that_all_wait_for_has_as_many_parts_as_bring_it_home_soonest():
    """The calls take as long as the copying then: 57 parts, 11 s in all."""
    assert 55 <= timely_count() <= 59
    assert 15 < timely_count(other_seconds=20) < timely_count(other_seconds=15) < 57


def test_the_measured_speed_decides():
    assert timely_count(speed=20e6) > timely_count(speed=100e6) > timely_count(speed=800e6) >= 15


def test_large_files_share_calls_and_streams():
    assert timely_count(large_files=4) < timely_count()
    assert 32 == timely_count(speed=1e6, large_files=4)
    assert 15 == timely_count(large_files=100)


def test_the_faulty_arithmetic_is_faulty_where_the_contract_says_so():
    """8 GiB in parts of 5 GiB is two parts, and the service counts one."""
    assert 1 == faulty_count(8 * GIB, 5 * GIB)


@given(SIZES)
@example(5 * GIB)
@example(5 * GIB + 1)
@example(8 * GIB)
@example(5 * TIB)
def test_no_plan_is_ever_miscounted_by_the_service(size_bytes):
    plan = plan_parts(size_bytes)

    assert plan.count == faulty_count(size_bytes, plan.part_size_bytes)


@given(SIZES)
def test_no_part_size_lies_between_two_gib_and_the_whole(size_bytes):
    plan = plan_parts(size_bytes)

    assert plan.part_size_bytes >= size_bytes or plan.part_size_bytes <= 2 * GIB


@given(SIZES)
def test_every_plan_keeps_the_limits_of_service_and_s3(size_bytes):
    plan = plan_parts(size_bytes)

    assert 5 * MIB <= plan.part_size_bytes <= 5 * GIB
    assert 1 <= plan.count <= 10_000


@given(st.integers(5 * GIB + 1, 5 * TIB))
def test_several_parts_are_as_few_as_two_gib_parts_and_whole_mib(size_bytes):
    plan = plan_parts(size_bytes)

    assert -(-size_bytes // (2 * GIB)) == plan.count
    assert 0 == plan.part_size_bytes % MIB


@given(st.integers(1, 5 * GIB))
def test_up_to_five_gib_one_part_is_enough(size_bytes):
    assert 1 == plan_parts(size_bytes).count


@given(st.integers(1, 500 * MIB))
def test_ranges_cover_every_byte_once_under_small_limits(size_bytes):
    plan = plan_parts(size_bytes, limits=SMALL)

    parts = ranges(plan)

    assert plan.count == len(parts)
    assert list(range(1, plan.count + 1)) == [part.number for part in parts]
    assert (0, size_bytes - 1) == (parts[0].first_byte, parts[-1].last_byte)
    assert all(part.last_byte + 1 == following.first_byte for part, following in pairwise(parts))
    assert size_bytes == sum(part.size_bytes for part in parts)


@given(st.integers(1, 500 * MIB))
def test_small_limits_cut_small_files(size_bytes):
    plan = plan_parts(size_bytes, limits=SMALL)

    assert PartPlan(size_bytes=size_bytes, part_size_bytes=5 * MIB) == plan


def test_one_byte_more_than_five_gib_becomes_three_parts():
    plan = plan_parts(5 * GIB + 1)

    assert PartPlan(size_bytes=5 * GIB + 1, part_size_bytes=1707 * MIB) == plan
    assert PartRange(number=3, first_byte=2 * 1707 * MIB, last_byte=5 * GIB) == ranges(plan)[-1]


@pytest.mark.parametrize("size_bytes", [-1, 0, 5 * TIB + 1])
def test_what_cannot_be_copied_is_not_planned(size_bytes):
    with pytest.raises(ValueError, match="cannot be copied"):
        plan_parts(size_bytes)


@pytest.mark.parametrize(
    "broken",
    [
        {"several_parts_bytes": 2 * GIB + MIB},
        {"single_part_bytes": 5 * GIB + 1},
        {"smallest_part_bytes": 4 * MIB},
        {"most_parts": 10_001},
        {"most_parts": 2},
        {"several_parts_bytes": 5 * MIB + 1},
        {"largest_object_bytes": 5 * TIB + 1},
    ],
)
def test_limits_that_would_let_the_hazard_in_cannot_be_made(broken):
    with pytest.raises(ValueError, match=r"part|object|MiB"):
        PartLimits(**broken)


def test_the_service_limits_allow_the_largest_object():
    assert 2560 == plan_parts(SERVICE_LIMITS.largest_object_bytes).count


@given(SIZES, st.integers(1, 10_000))
def test_parts_for_parallel_streams_keep_every_limit_and_exclude_the_hazard(size_bytes, streams):
    plan = parallel_parts(size_bytes, streams=streams)

    assert plan.count == faulty_count(size_bytes, plan.part_size_bytes)
    assert plan_parts(size_bytes).count <= plan.count <= 10_000
    assert size_bytes == sum(part.size_bytes for part in ranges(plan))
    assert plan.count == 1 or 5 * MIB <= plan.part_size_bytes <= 2 * GIB


def test_a_large_object_has_a_part_for_each_stream_and_a_whole_piece_stays_whole():
    assert 64 == parallel_parts(30 * GIB, streams=64).count
    assert 1 == parallel_parts(5 * GIB, streams=64).count
    assert plan_parts(6 * GIB) == parallel_parts(6 * GIB, streams=1)


@pytest.mark.parametrize(
    ("parts", "first_part_bytes", "is_aligned"),
    [(768, 8 * MIB, True), (769, 8 * MIB, False), (2, 6 * GIB, False), (6144, MIB, False), (1229, 5 * MIB, False)],
)
def test_the_sources_own_parts_are_taken_where_they_are_even_and_not_too_many(parts, first_part_bytes, is_aligned):
    plan = plan_parts(6 * GIB)
    taken = aligned_with(plan, parts=parts, first_part_bytes=first_part_bytes)
    assert (PartPlan(size_bytes=6 * GIB, part_size_bytes=8 * MIB) if is_aligned else plan) == taken
