"""Numbers as people read them."""

import pytest

from storage_core.model.items import ReasonCode
from storage_core.reports.wording import (
    count_text,
    counted,
    duration_text,
    moment_text,
    plain_text,
    reason_of,
    share_text,
    size_text,
)


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.00 kB"), (1_250_000_000, "1.25 GB"),
     (50_000_000_000_000, "50.0 TB"), (123_456_789_000_000_000, "123 PB")],
)  # fmt: skip
def test_sizes(size: int, expected: str) -> None:
    assert expected == size_text(size)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0 s"), (90, "90 s"), (600, "10 min"), (12_600, "3.5 h"), (181_440, "2.1 days")]
)
def test_durations(seconds: float, expected: str) -> None:
    assert expected == duration_text(seconds)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(0, 0, "none"), (0, 5, "0 %"), (5, 5, "100 %"), (1, 2_000_000, "0.1 %"), (1_999_999, 2_000_000, "99.9 %")],
)
def test_a_share_is_never_rounded_to_all_or_nothing(part: int, whole: int, expected: str) -> None:
    assert expected == share_text(part, whole)


def test_counts_have_thousands_and_plurals() -> None:
    assert count_text(1234567) == "1,234,567"
    assert ("1 item", "2 items", "2 entities") == (
        counted(1, "item"),
        counted(2, "item"),
        counted(2, "entity", "entities"),
    )


def test_names_cannot_steer_a_terminal_or_reverse_a_line() -> None:
    assert plain_text("a\x1b[31mb\u202egpj\r.exe") == "a\ufffd[31mb\ufffdgpj\ufffd.exe"


def test_every_reason_code_has_a_sentence_and_foreign_ones_have_none() -> None:
    assert all(reason_of(code) for code in ReasonCode)
    assert reason_of("FROM_THE_FUTURE") is None
    assert reason_of(None) is None


def test_moments_are_utc(empty: object) -> None:
    from datetime import datetime, timedelta, timezone

    moment = datetime(2026, 3, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    assert moment_text(moment) == "2026-02-28 23:00:00 UTC"
