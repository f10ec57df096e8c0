"""The books are really read: whatever is planted into an index that balances is told."""

from collections.abc import Iterator

import duckdb
import pytest

from tests.crash.books import disagreements
from tests.crash.lab import Case, Lab, running_lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with running_lab() as running:
        yield running


@pytest.fixture
def case(lab: Lab) -> Case:
    """A migration that is complete."""
    case = lab.fresh("all")
    ended = lab.run(case.words)
    assert ended.code == 0, ended.said
    assert [] == lab.violations(case)
    return case


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        ("delete from item where kind = 'file' and version = 2", "in scope and not in the index"),
        ("delete from item where row_id = 3", "in scope and not in the index"),
        ("insert into item select * from item where row_id = 4", "2 times"),
        ("update item set version = 9 where kind = 'file' and version = 2", "in the index and not in scope"),
        ("update item set file_size = file_size + 1 where row_id = 1", "bytes, the places in scope"),
        ("update item set status = 'ERRORED' where row_id = 1", "summary"),
        ("update item set status = 'INDEXED' where row_id = 1", "INDEXED"),
    ],
)
def test_what_is_planted_into_the_index_is_told(case: Case, planted: str, told: str) -> None:
    with duckdb.connect(str(case.index)) as connection:
        connection.execute(planted)

    wrong = disagreements(case.index, case.expected)

    assert any(told in one for one in wrong), wrong


def test_a_summary_that_says_something_else_is_told(case: Case) -> None:
    summary = case.index.with_name("m-report") / "m.json"
    summary.write_text(summary.read_text().replace('"MIGRATED": 15', '"MIGRATED": 14'))

    wrong = disagreements(case.index, case.expected)

    assert any("summary" in one for one in wrong), wrong
