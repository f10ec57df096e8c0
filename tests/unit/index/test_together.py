"""What several phases record at a time is one commit, and the journal tells it in order."""

import pytest

from storage_core.index.store import Index


def events(index: Index) -> list[str]:
    return [event for (event,) in index.database.rows("select event from journal order by seq")]


def test_everything_recorded_together_lasts_and_is_told_in_order(index):
    before = len(events(index))

    with index.together():
        index.note("one", "")
        with index.database.transaction():
            index.note("two", "")
            index.remember("key", "value")
        index.note("three", "")

    assert ["one", "two", "three"] == events(index)[before:]
    assert "value" == index.recall("key")


def test_what_fails_takes_everything_recorded_together_with_it(index):
    """Half a commit would tell of places that the other half does not know."""
    before = events(index)

    def story() -> None:
        with index.together():
            with index.database.transaction():
                index.remember("key", "value")
                index.note("one", "")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        story()
    index.note("after", "")

    assert index.recall("key") is None
    assert [*before, "after"] == events(index)


def test_statements_run_on_one_thread_until_there_are_rows_to_share_out(index):
    def threads() -> int:
        ((count,),) = index.database.rows("select current_setting('threads')")
        return int(count)

    assert 1 == threads()
    index.database.take_numbers("item", 122_880)
    assert 1 == threads()
    index.database.take_numbers("item")
    assert 2 == threads()
