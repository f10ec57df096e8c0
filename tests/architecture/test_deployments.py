"""What is registered, beyond that it fits its flow: nothing runs by itself, no project is migrated twice at once."""

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]


def deployments(repository: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((repository / "prefect.yaml").read_text())["deployments"]
    return found


def test_every_schedule_is_shipped_switched_off(repository: Path) -> None:
    """Who deploys everything starts nothing."""
    active = [one["name"] for one in deployments(repository) for it in one.get("schedules", []) if it["active"]]

    assert [] == active


def test_every_deployment_runs_once_at_a_time_or_says_why_not(repository: Path) -> None:
    """A shard is told apart by its index; everything else has a limit of one and says what a second run does."""
    unlimited = {one["name"] for one in deployments(repository) if not one.get("concurrency_limit")}

    assert set() == unlimited - {"shard"}


def test_nobody_migrates_a_project_that_an_example_names(repository: Path) -> None:
    """What only the steward knows has no default."""
    known = {"root_ids", "destination_storage_location_id"}
    preset = {one["name"] for one in deployments(repository) if known & set(one.get("parameters") or {})}

    assert set() == preset
