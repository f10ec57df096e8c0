"""The types of our flows' parameters: what the server checks before a run starts.

Parameters are flat on purpose, so that a deployment's defaults can be overridden one by one. What a form says about
each stands in the docstring of its flow: Prefect takes it from there and ignores other descriptions.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field

from storage_core.model.ids import parse_entity_id, parse_entity_ids, parse_storage_location_id
from storage_core.model.settings import FileVersionStrategy, IndexOptions, IndexVia, MigrationSettings, RunOptions
from storage_core.plan.outcomes import parse_failure_limit
from storage_core.plan.viewing import check_options

_ENTITY = r"\s*([sS][yY][nN])?[1-9][0-9]{0,17}\s*"

RootIds = Annotated[list[Annotated[str, Field(pattern=rf"^{_ENTITY}(,{_ENTITY})*$")]], Field(min_length=1)]
Destination = Annotated[int, Field(gt=0)]
Sources = list[Annotated[int, Field(gt=0)]]
IndexPath = Annotated[str, Field(min_length=1, pattern=r"^[^\x00]*[^\x00/]$")]
People = list[Annotated[str, Field(min_length=1)]]
ApprovalHours = Annotated[float, Field(gt=0, le=24 * 365)]


MaxFailures = Annotated[str, Field(pattern=r"^\s*([0-9]+|[0-9]+(\.[0-9]+)?\s*%)?\s*$")]
"""Empty: no limit."""


Shards = Annotated[int, Field(ge=1, le=1000)]


class Confirm(StrEnum):
    """Who agrees to the plan."""

    ASK = "ask"
    FORCE = "force"
    DRY_RUN = "dry-run"


def settings_from(
    roots: list[str],
    destination: int,
    strategy: FileVersionStrategy,
    sources: list[int] | None,
    *,
    include_tables: bool,
) -> MigrationSettings:
    """Turn form values into settings.

    Raises:
        UsageError: an id is none.
    """
    return MigrationSettings(
        roots=tuple(dict.fromkeys(one for root in roots for one in parse_entity_ids(root))),
        destination=parse_storage_location_id(destination),
        source_location_ids=tuple(parse_storage_location_id(source) for source in sources or ()),
        strategy=strategy,
        include_tables=include_tables,
    )


def index_options_from(via: IndexVia, view: str | None, *, no_provenance: bool) -> IndexOptions:
    """Turn form values into how the index is filled; an empty view is none.

    Raises:
        UsageError: the view's id is none, or the values contradict each other.
    """
    options = IndexOptions(via=via, view=parse_entity_id(view) if view else None, asks_provenance=not no_provenance)
    check_options(options)
    return options


def failure_options_from(max_failures: str, *, continue_on_error: bool) -> RunOptions:
    """Turn form values into how a run meets failures; an empty limit is none.

    Raises:
        UsageError: it is more than 100 percent.
    """
    at_most, percent = parse_failure_limit(max_failures.strip() or None)
    return RunOptions(continue_on_error=continue_on_error, max_failures=at_most, max_failures_percent=percent)


def index_path_from(text: str) -> Path:
    """The index path with ``~`` resolved."""
    return Path(text).expanduser()
