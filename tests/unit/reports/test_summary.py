"""The JSON summary."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from storage_core.errors import ExitCode
from storage_core.reports.report import RunFacts
from storage_core.reports.summary import write_summary


def test_the_summary_is_one_json_document_with_the_figures(mixed: Any, tmp_path: Path) -> None:
    facts = RunFacts(made_at=datetime(2026, 3, 2, tzinfo=UTC), exit_code=ExitCode.SOME_FAILED, plan_hash="ab", calls=12)
    write_summary(mixed, tmp_path / "summary.json", facts)
    document = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert (1, "ab", 12) == (document["exit_code"], document["plan_hash"], document["calls"])
    assert document["items"]["total"] == 8
    assert {
        "INDEXED": 1,
        "ALREADY_MIGRATED": 1,
        "MIGRATED": 3,
        "SKIPPED": 1,
        "DRIFTED": 1,
        "ERRORED": 1,
        "ROLLED_BACK": 0,
    } == document["items"]["by_status"]
    assert {"part-etag": 1, "structural": 2} == document["items"]["by_proof"]
    assert ["syn100"] == document["settings"]["roots"]
    assert {"S3_FAULT": "retryable", "HANDLE_CHANGED": "needs a person", "EXTERNAL_URL": "never works"} == {
        entry["reason"]: entry["class"] for entry in document["items"]["by_reason"]
    }


def test_what_is_not_known_is_null(empty: Any, tmp_path: Path) -> None:
    write_summary(empty, tmp_path / "summary.json", RunFacts(made_at=datetime(2026, 3, 2, tzinfo=UTC)))
    document = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert (None, None, None) == (document["exit_code"], document["plan_hash"], document["calls"])
