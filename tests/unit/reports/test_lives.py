"""The life story of single items."""

import io
from typing import Any

from rich.console import Console

from storage_core.model.ids import EntityId
from storage_core.reports.lives import lives_document, lives_view, read_lives


def _shown(queries: Any, entity_id: str, version: int | None = None) -> str:
    shown = io.StringIO()
    console = Console(file=shown, width=140, color_system=None)
    console.print(lives_view(read_lives(queries, EntityId(entity_id), version=version)))
    return shown.getvalue()


def test_a_migrated_item_tells_its_handles_its_proof_and_its_events(mixed: Any) -> None:
    shown = _shown(mixed, "syn201")
    for expected in (
        "syn201, on top of version 1: MIGRATED",
        "file handle 1001 in storage location 1 (Synapse storage)",
        "file handle 9001 in storage location 54321, as version 2",
        "1.00 GB (1000000000)",
        "number 1, PROVEN, engine synapse, 1 parts, proof part-etag",
        "2026-03-01 08:00:00 UTC indexed",
        "2026-03-01 08:02:00 UTC verified: item 1: read back as written",
    ):
        assert expected in shown


def test_a_version_that_was_added_is_found_by_its_own_number(mixed: Any) -> None:
    assert _shown(mixed, "syn201", 2) == _shown(mixed, "syn201", 1)
    assert not _shown(mixed, "syn201", 3).strip()


def test_a_failed_item_tells_why_and_who_can_cure_it(mixed: Any) -> None:
    shown = _shown(mixed, "syn205")
    assert "S3_FAULT: S3, or another storage, failed to copy it, again and again; retry later. (retryable)" in shown
    assert "SlowDown, 7 tries" in shown
    assert "is now" not in shown


def test_a_cell_is_named_by_row_and_column(mixed: Any) -> None:
    assert "syn300, row 7, column scan: INDEXED" in _shown(mixed, "syn300")


def test_events_of_item_1_are_not_those_of_item_10(mixed: Any) -> None:
    mixed.add("events_v1", seq=99, recorded_at=mixed.as_of.replace(tzinfo=None), event="other", detail="item 10: no")
    (life,) = read_lives(mixed, EntityId("syn201"))
    assert ["verified"] == [event.event for event in life.events]


def test_each_item_has_its_own_moment_of_indexing(mixed: Any, file_facts: Any) -> None:
    """Of items that were recorded together one line is kept; an older index has none."""
    later = mixed.as_of.replace(tzinfo=None)
    mixed.add("events_v1", seq=50, recorded_at=later, event="indexed", detail="item 9: to item 10, recorded")
    for number in (9, 10, 11):
        mixed.add(**file_facts(number))
    moments = [read_lives(mixed, EntityId(f"syn{200 + number}"))[0].indexed_at for number in (9, 10, 11)]
    assert [later, later, None] == moments
    assert later > read_lives(mixed, EntityId("syn201"))[0].indexed_at


def test_one_version_can_be_asked_for(mixed: Any, file_facts: Any) -> None:
    for number, version in ((20, 1), (21, 2)):
        mixed.add(**file_facts(number, entity_id="syn900", version=version, indexed_version=version))
    assert 2 == len(read_lives(mixed, EntityId("syn900")))
    assert [2] == [life.version for life in read_lives(mixed, EntityId("syn900"), version=2)]


def test_the_document_has_what_a_script_needs(mixed: Any) -> None:
    (item,) = lives_document(read_lives(mixed, EntityId("syn201")))["items"]
    assert {
        "id": "syn201",
        "status": "MIGRATED",
        "to_file_handle_id": "9001",
        "proof": "part-etag",
        "copy_status": "PROVEN",
        "reason": None,
    }.items() <= item.items()


def test_nobody_is_made_up(mixed: Any) -> None:
    assert read_lives(mixed, EntityId("syn999")) == ()
