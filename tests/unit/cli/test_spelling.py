"""Old spellings keep working, and global options may stand anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage_core.cli.spelling import spelled


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["--dryRun"], ["--dry-run"]),
        (["--csv_log_path", "my_log.csv"], ["--csv-log-path", "my_log.csv"]),
        (["--csv_log_path=my_log.csv"], ["--csv-log-path=my_log.csv"]),
        (["--file_version_strategy", "all"], ["--file-version-strategy", "all"]),
        (["--include_table_files", "--continue_on_error"], ["--include-table-files", "--continue-on-error"]),
        (["migrate", "my_index.duckdb"], ["migrate", "my_index.duckdb"]),
        (["--configPath", "x", "index"], ["--config", "x", "index"]),
    ],
)
def test_old_names_become_ours_and_values_stay(typed: list[str], expected: list[str]) -> None:
    assert expected == spelled(typed)


@pytest.mark.parametrize(
    "typed",
    [
        ["--source_storage_location_ids", "1", "2", "3", "syn9"],
        ["--source-storage-location-ids", "1,2", "3", "syn9"],
        ["--source-storage-location-ids=1,2,3", "syn9"],
        ["--source-storage-location-ids=1", "2", "3", "syn9"],
    ],
)
def test_several_ids_may_follow_one_option(typed: list[str]) -> None:
    name = "--source-storage-location-ids"
    assert [name, "1", name, "2", name, "3", "syn9"] == spelled(typed)


def test_ids_elsewhere_are_left_alone() -> None:
    assert ["migrate", "123", "54321", "x.duckdb"] == spelled(["migrate", "123", "54321", "x.duckdb"])


def test_global_options_come_to_the_front() -> None:
    typed = ["status", "x.duckdb", "--json", "--profile", "lab", "--config=c", "--silent"]
    assert ["--json", "--profile", "lab", "--config=c", "--quiet", "status", "x.duckdb"] == spelled(typed)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["--retry-errors"], ["--retry-errors", "retryable"]),
        (["--retry_errors", "all", "x"], ["--retry-errors", "all", "x"]),
        (["--retry-errors", "--force"], ["--retry-errors", "retryable", "--force"]),
    ],
)
def test_the_class_of_errors_may_be_left_out(typed: list[str], expected: list[str]) -> None:
    assert expected == spelled(typed)


def test_nothing_behind_two_dashes_is_touched() -> None:
    assert ["status", "--", "--my_index", "--json"] == spelled(["status", "--", "--my_index", "--json"])


WORDS = st.sampled_from([["migrate"], ["--json"], ["--a_b"], ["1"], ["--profile", "x_y"], ["--retry-errors"], ["syn1"]])


@given(st.lists(WORDS).map(lambda phrases: [word for phrase in phrases for word in phrase]))
def test_spelling_twice_changes_nothing_more(typed: list[str]) -> None:
    once = spelled(typed)
    assert once == spelled(once)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["--source-storage-location-ids"], [""]),
        (["--source-storage-location-ids", "--force"], [""]),
        (["--source-storage-location-ids", "1,", "2", "syn9"], ["1", "2"]),
        (["--source-storage-location-ids", "abc", "syn9"], ["abc"]),
        (["--source-storage-location-ids=", "syn9"], [""]),
    ],
)
def test_an_option_for_sources_is_never_dropped(typed: list[str], expected: list[str]) -> None:
    """Without an id it gets an empty one, which is refused: it must not come to mean all locations."""
    name = "--source-storage-location-ids"
    words = spelled(typed)
    given = [words[at + 1] for at, word in enumerate(words) if word == name]
    assert expected == (given or [word.removeprefix(f"{name}=") for word in words if word.startswith(f"{name}=")])


def test_a_wrong_class_of_errors_stays_the_value_of_its_option() -> None:
    assert ["--retry-errors", "bogus", "--force"] == spelled(["--retry-errors", "bogus", "--force"])
    words = ["--retry-errors", "syn1", "54321", "x.duckdb"]
    assert ["--retry-errors", "retryable", "syn1", "54321", "x.duckdb"] == spelled(words)
