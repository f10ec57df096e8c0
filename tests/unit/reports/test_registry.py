"""Every report says what it is for."""

import pytest

from storage_core.reports import REPORTS, Report, report_named


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_every_report_has_a_purpose_sentence(report: Report) -> None:
    assert report.purpose.endswith(".")
    assert len(report.purpose.split()) >= 6


def test_names_and_suffixes_are_unique() -> None:
    assert len(REPORTS) == len({report.name for report in REPORTS}) == len({report.suffix for report in REPORTS})


def test_a_report_is_found_by_its_name() -> None:
    assert all(report_named(report.name) is report for report in REPORTS)
