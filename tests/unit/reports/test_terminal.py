"""What the terminal shows."""

import io
from dataclasses import replace
from typing import Any

from rich.console import Console, RenderableType

from storage_core.errors import ExitCode
from storage_core.model.copies import EngineName
from storage_core.model.engines import EngineShare
from storage_core.model.ids import StorageLocationId
from storage_core.model.plans import Finding, FindingLevel, Plan, WorkAhead
from storage_core.model.settings import EngineOption
from storage_core.reports.figures import read_figures
from storage_core.reports.terminal import outcome_view, plan_view, status_view

SHARE = EngineShare(
    engine=EngineName.SYNAPSE, bucket="b", copies=2, size_bytes=10, parts=2, calls=8, why="not s3: no keys"
)


def _shown(view: RenderableType) -> str:
    shown = io.StringIO()
    console = Console(file=shown, width=110, force_terminal=False, color_system=None)
    console.print(view)
    return shown.getvalue()


def test_status_shows_counts_reasons_and_locations(mixed: Any) -> None:
    shown = _shown(status_view(read_figures(mixed)))
    for expected in ("syn100 to storage location 54321", "MIGRATED", "61.0 GB", "S3_FAULT", "retry later", "32.0 GB"):
        assert expected in shown


def test_the_outcome_ends_with_exit_code_calls_and_where_the_report_is(mixed: Any) -> None:
    shown = _shown(outcome_view(read_figures(mixed), ExitCode.SOME_FAILED, calls=4312, reports=["my.html"]))
    assert "Exit code 1: finished, some items failed, drifted or unproven. Synapse calls spent: 4,312." in shown
    assert shown.rstrip().endswith("Report: my.html")


def test_the_plan_ends_with_its_hash_and_shows_findings_literally(mixed: Any) -> None:
    plan = Plan(
        settings=mixed.settings,
        ahead=WorkAhead(
            copies=2, copy_bytes=31_000_000_000, parts=301, repoints=3, repoint_entities=3, verifications=0,
            fingerprint="f", cells=2, tables=1, snapshots=1,
        ),
        counts=mixed.counts(),
        engine=EngineOption.AUTO,
        shares=(SHARE,),
        calls=1234,
        seconds_low=120,
        seconds_high=600,
        findings=(Finding(level=FindingLevel.WARNING, what="Bucket [red]b[/red]\x1b[2J is far.", fix="Choose."),),
        hash="3f2a9c",
    )  # fmt: skip
    shown = _shown(plan_view(plan))
    assert "2 distinct file handles, 31.0 GB, 301 parts" in shown
    assert "2 min to 10 min" in shown
    assert "synapse: 2 copies, 10 bytes from b (not s3: no keys)" in shown
    assert "1 table, each as a version of its own" in shown
    assert "warning: Bucket [red]b[/red]\ufffd[2J is far. Choose." in shown
    assert shown.rstrip().endswith("Plan hash: 3f2a9c")


def test_what_failed_is_named_with_its_place_and_its_reason(mixed: Any) -> None:
    """Five of them at most: a run that stopped at its first failure says which one that was."""
    shown = _shown(status_view(read_figures(mixed)))
    assert "syn205 (" in shown
    assert "S3_FAULT: SlowDown, 7 tries" in shown
    for number in range(50, 56):
        mixed.add(
            item_id=number, kind="file", entity_id=f"syn{number}", name="n", status="ERRORED", reason="NO_READ_ACCESS"
        )
    assert "and 3 more items" in _shown(status_view(read_figures(mixed)))


def test_a_source_in_which_nothing_lies_is_pointed_out(mixed: Any) -> None:
    assert "warning" not in _shown(status_view(read_figures(mixed)))
    mixed.settings = replace(mixed.settings, source_location_ids=(StorageLocationId(1), StorageLocationId(77)))
    assert "warning: No file that was looked at lies in storage location 77" in _shown(status_view(read_figures(mixed)))
