"""The chain through the event log: whatever is altered is named, once, by its number."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as some

from storage_core.plan.chaining import START, LoggedEvent, LostEvent, check_chain, link

BEGAN = datetime(2026, 1, 2, 3, 4, 5, 678)  # noqa: DTZ001 - the tables keep UTC without zone


def log(count: int) -> list[LoggedEvent]:
    events, head = [], START
    for seq in range(1, count + 1):
        facts = {"seq": seq, "recorded_at": BEGAN + timedelta(seconds=seq), "event": "copied", "detail": f"item {seq}"}
        head = link(head, **facts)
        events.append(LoggedEvent(**facts, hash=head))
    return events


def test_an_untouched_log_is_whole():
    verdict = check_chain(log(50))

    assert (50, 0, ()) == (verdict.events, verdict.unchained, verdict.broken)
    assert log(50)[-1].hash == verdict.head


@given(some.integers(0, 29), some.sampled_from(["detail", "event", "recorded_at", "hash"]))
def test_one_altered_field_of_one_event_is_named(place, field):
    """An altered hash is noticed at its event, and at the next, which still refers to what it was."""
    events = log(30)
    other = {"detail": "item 0", "event": "nothing", "recorded_at": BEGAN, "hash": "f" * 64}[field]
    events[place] = replace(events[place], **{field: other})

    broken = [one.seq for one in check_chain(events).broken]

    assert broken == ([place + 1] if field != "hash" else [place + 1, place + 2][: 30 - place])


@given(some.integers(0, 28))
def test_a_removed_event_is_noticed_at_the_one_after_it(place):
    events = log(30)
    del events[place]

    assert [place + 2] == [one.seq for one in check_chain(events).broken]


def test_removing_the_end_changes_the_last_hash():
    """The chain alone cannot tell; the hash kept elsewhere does."""
    verdict = check_chain(log(30)[:-1])

    assert ((), False) == (verdict.broken, verdict.head == log(30)[-1].hash)


def test_events_from_before_the_chain_are_counted_and_not_judged():
    old = [replace(one, hash=None) for one in log(3)]
    new, head = [], START
    for seq in (4, 5):
        head = link(head, seq=seq, recorded_at=BEGAN, event="noted", detail="")
        new.append(LoggedEvent(seq=seq, recorded_at=BEGAN, event="noted", detail="", hash=head))

    verdict = check_chain([*old, *new])

    assert (2, 3, ()) == (verdict.events, verdict.unchained, verdict.broken)


def test_a_hash_that_was_taken_away_is_noticed():
    events = log(5)
    events[3] = replace(events[3], hash=None)

    assert 4 in [one.seq for one in check_chain(events).broken]


def test_all_hashes_taken_away_are_noticed_where_it_is_known_since_when_there_is_a_chain():
    """An index remembers when it got its chain; events from before have no hash, events from after must."""
    events = [replace(one, hash=None) for one in log(5)]

    verdict = check_chain(events, chained_since=events[2].recorded_at)

    assert (2, [3, 4, 5]) == (verdict.unchained, [one.seq for one in verdict.broken])
    assert not verdict.is_whole


@given(some.integers(0, 29))
def test_a_hash_whose_event_is_gone_names_that_event_alone(place):
    events = log(30)
    kept = [*events[:place], LostEvent(seq=place + 1, hash=events[place].hash or ""), *events[place + 1 :]]

    verdict = check_chain(kept)

    assert [(place + 1, None)] == [(one.seq, one.event) for one in verdict.broken]
    assert events[-1].hash == verdict.head


def test_another_end_than_the_manifest_promises_is_no_whole_log():
    verdict = check_chain(log(5))

    assert [True, True, False] == [replace(verdict, promised=one).is_whole for one in (None, verdict.head, "f" * 64)]
    assert not replace(verdict, other_files=("a part is not there",)).is_whole
