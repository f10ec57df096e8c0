"""plan/file_names.py: a cleaned name is always accepted, and a good one is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage_core.plan.file_names import clean_file_name, is_valid_file_name


@given(st.text(max_size=400))
def test_a_cleaned_name_is_valid_and_stays_as_it_is_when_cleaned_again(name):
    cleaned = clean_file_name(name)

    assert is_valid_file_name(cleaned)
    assert cleaned == clean_file_name(cleaned)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("reads (1).fastq.gz", "reads (1).fastq.gz"),
        ("a/b:c.txt", "a_b_c.txt"),
        ("Zürich#1.csv", "Z_rich_1.csv"),
        ("", "unnamed"),
        ("x" * 300 + ".csv", "x" * 252 + ".csv"),
        ("x" * 300, "x" * 256),
    ],
)
def test_names_are_cleaned_as_little_as_possible(name, expected):
    assert expected == clean_file_name(name)
