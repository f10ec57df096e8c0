"""Exit codes and failure limits."""

import pytest

from storage_core.errors import ExitCode, UsageError
from storage_core.model.items import ItemStatus, ReasonCode
from storage_core.model.plans import StatusCount
from storage_core.plan.outcomes import Ending, FailureLimit, exit_code, parse_failure_limit


def count(status: ItemStatus, items: int = 1, reason: ReasonCode | None = None) -> StatusCount:
    return StatusCount(status=status, reason=reason, items=items, size_bytes=0)


def test_zero_means_everything_is_migrated_or_rightly_left_alone():
    counts = [count(ItemStatus.MIGRATED), count(ItemStatus.ALREADY_MIGRATED), count(ItemStatus.SKIPPED)]
    assert ExitCode.DONE == exit_code(counts, Ending.COMPLETE)


@pytest.mark.parametrize("status", [ItemStatus.INDEXED, ItemStatus.ERRORED, ItemStatus.DRIFTED, ItemStatus.ROLLED_BACK])
def test_one_unsettled_item_is_enough_to_say_so(status):
    assert ExitCode.SOME_FAILED == exit_code([count(ItemStatus.MIGRATED, 1000), count(status)], Ending.COMPLETE)


def test_a_status_nobody_has_does_not_count():
    assert ExitCode.DONE == exit_code([count(ItemStatus.ERRORED, 0)], Ending.COMPLETE)


def test_a_read_back_mismatch_outranks_everything():
    counts = [count(ItemStatus.ERRORED, reason=ReasonCode.READ_BACK_DIFFERS)]
    assert ExitCode.MISMATCH == exit_code(counts, Ending.THRESHOLD)


def test_the_threshold_has_its_own_code():
    assert ExitCode.THRESHOLD == exit_code([count(ItemStatus.ERRORED)], Ending.THRESHOLD)


def test_without_continue_on_error_the_first_failure_stops():
    assert Ending.FIRST_FAILURE == FailureLimit().ending(1, of=501)


def test_no_failure_stops_nothing():
    assert FailureLimit(at_most=0, at_most_percent=0).ending(0, of=7) is None


def test_continue_on_error_goes_on():
    assert FailureLimit(continue_on_error=True).ending(10_000, of=10_000) is None


def test_a_number_of_failures_is_allowed_before_the_threshold():
    limit = FailureLimit(at_most=2)
    assert [None, Ending.THRESHOLD] == [limit.ending(2, of=3), limit.ending(3, of=3)]


def test_a_percentage_waits_for_a_sample():
    limit = FailureLimit(at_most_percent=10)
    assert limit.ending(1, of=2) is None
    assert limit.ending(5, of=50) is None
    assert Ending.THRESHOLD == limit.ending(6, of=50)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, (None, None)),
        ("0", (0, None)),
        ("10", (10, None)),
        (10, (10, None)),
        ("2.5%", (None, 2.5)),
        ("100%", (None, 100.0)),
    ],
)
def test_failure_limits(text, expected):
    assert expected == parse_failure_limit(text)


@pytest.mark.parametrize("text", ["", "%", "many", "-1", "1.5", "101%", "nan%", "1e3"])
def test_no_failure_limit(text):
    with pytest.raises(UsageError, match="is no limit"):
        parse_failure_limit(text)
