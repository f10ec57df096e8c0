"""The figures are those of the items, and a shared object counts once where it is said."""

from datetime import timedelta
from typing import Any

from storage_core.model.items import ItemStatus
from storage_core.reports.figures import EVENTS_SHOWN, FAILURES_SHOWN, LocationFigure, read_figures
from storage_core.reports.verdict import Mood, verdict_of

GB = 1_000_000_000


def test_counts_cover_every_item(mixed: Any) -> None:
    figures = read_figures(mixed)
    assert figures.items == 8
    assert figures.items_with(ItemStatus.MIGRATED) == 3
    assert 61 * GB == figures.bytes_with(ItemStatus.MIGRATED)


def test_a_handle_used_twice_counts_once_per_location(mixed: Any) -> None:
    figures = read_figures(mixed)
    by_id = {location.location_id: location for location in figures.locations}
    assert (
        LocationFigure(
            location_id=1,
            handles_before=5,
            bytes_before=33 * GB + 5_000_000,
            handles_after=3,
            bytes_after=2 * GB + 5_000_000,
        )
        == by_id[1]
    )
    assert (
        LocationFigure(location_id=54321, handles_before=1, bytes_before=GB, handles_after=3, bytes_after=32 * GB)
        == by_id[54321]
    )


def test_bytes_before_and_after_agree_with_the_flows(mixed: Any) -> None:
    figures = read_figures(mixed)
    for location in figures.locations:
        leaving = [flow.size_bytes for flow in figures.flows if flow.before_id == location.location_id]
        arriving = [flow.size_bytes for flow in figures.flows if flow.after_id == location.location_id]
        assert location.bytes_before == sum(leaving)
        assert location.bytes_after == sum(arriving)


def test_progress_adds_up_to_the_migrated_items_in_few_steps(empty: Any, file_facts: Any) -> None:
    start = file_facts(0)["updated_at"]
    for number in range(400):
        moment = start + timedelta(seconds=37 * number)
        empty.add(**file_facts(number, status="MIGRATED", updated_at=moment))
    progress = read_figures(empty).progress
    assert sum(step.items for step in progress) == 400
    assert 100 <= len(progress) <= 121
    assert sorted(step.until for step in progress) == [step.until for step in progress]


def test_failures_come_first_and_drift_after(mixed: Any) -> None:
    assert ["ERRORED", "DRIFTED"] == [failure.status for failure in read_figures(mixed).failures]


def test_failures_are_capped(empty: Any, file_facts: Any) -> None:
    for number in range(FAILURES_SHOWN + 5):
        empty.add(**file_facts(number, status="ERRORED", reason="S3_FAULT"))
    assert len(read_figures(empty).failures) == FAILURES_SHOWN


def test_the_latest_events_are_kept_in_order(empty: Any, file_facts: Any) -> None:
    for seq in range(EVENTS_SHOWN + 3):
        empty.add("events_v1", seq=seq, recorded_at=file_facts(0)["updated_at"], event=f"event {seq}")
    assert [f"event {seq}" for seq in range(3, EVENTS_SHOWN + 3)] == [
        event.event for event in read_figures(empty).events
    ]


def test_the_timeline_leaves_single_items_out_and_names_who_confirmed(mixed: Any) -> None:
    figures = read_figures(mixed)
    assert ["plan confirmed", "verified"] == [event.event for event in figures.events]
    assert figures.confirmation == "3f2a9c by ann"


def test_an_empty_index_needs_nothing(empty: Any) -> None:
    figures = read_figures(empty)
    assert figures.items == 0
    assert verdict_of(figures).sentence == "Nothing needs migrating."


def test_the_verdict_names_trouble_first(mixed: Any) -> None:
    verdict = verdict_of(read_figures(mixed))
    assert verdict.mood is Mood.ATTENTION
    assert verdict.sentence == "Not complete: 1 item failed, 1 item drifted, 1 item waiting."


def test_only_a_complete_migration_is_called_complete(empty: Any, file_facts: Any) -> None:
    empty.add(**file_facts(1, status="MIGRATED"))
    assert verdict_of(read_figures(empty)).sentence == "Complete: 1 item migrated, proven and read back."
    empty.add(**file_facts(2))
    assert verdict_of(read_figures(empty)).mood is Mood.UNFINISHED


def test_old_handles_that_something_still_refers_to_are_counted_once(mixed: Any, file_facts: Any) -> None:
    """Older versions of files that were given a new one, and frozen tables; a table that was not frozen holds none."""
    cell = {"kind": "table", "row_id": 1, "col_name": "scan", "status": "MIGRATED", "from_file_handle_id": "77"}
    for number, table in ((20, "syn301"), (21, "syn301"), (22, "syn302")):
        mixed.add(**file_facts(number, **cell, entity_id=table, file_size=5))
    mixed.add("events_v1", seq=90, event="table frozen", detail="entity 301: version 4 keeps how it was before")
    assert [("frozen table versions", 1, 5), ("older file versions", 1, 1_000_000_000)] == [
        (held.owner, held.handles, held.size_bytes) for held in read_figures(mixed).held
    ]
