"""What the forms of our flows ask. Flat on purpose: a deployment's defaults are overridden one by one."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field

from storage_core.model.ids import parse_entity_id, parse_storage_location_id
from storage_core.model.settings import FileVersionStrategy, MigrationSettings

RootIds = Annotated[
    list[str],
    Field(
        min_length=1,
        title="What to migrate",
        description="Synapse ids of projects, folders, files or tables: syn123 or 123.",
        json_schema_extra={"position": 0},
    ),
]
Destination = Annotated[
    int,
    Field(
        gt=0,
        title="Destination storage location",
        description="Its id. You must have created it, and it must be of type EXTERNAL_S3 or SYNAPSE_S3.",
        json_schema_extra={"position": 1},
    ),
]
IndexPath = Annotated[
    str,
    Field(
        min_length=1,
        title="Index file",
        description="Where the migration keeps its index, on a local disk of the worker (never a network drive).",
        json_schema_extra={"position": 2},
    ),
]
Strategy = Annotated[
    FileVersionStrategy,
    Field(
        title="File version strategy",
        description="new: add a version. latest, all: change versions in place. skip: leave file entities alone.",
        json_schema_extra={"position": 3},
    ),
]
Sources = Annotated[
    list[int],
    Field(
        title="Source storage locations",
        description="Move only files whose bytes are in these. Empty: wherever they are.",
        json_schema_extra={"position": 4},
    ),
]
IncludeTables = Annotated[
    bool,
    Field(
        title="Include table files",
        description="Also move files attached to the cells of tables.",
        json_schema_extra={"position": 5},
    ),
]
TableSnapshots = Annotated[
    bool,
    Field(
        title="Table snapshots",
        description="Freeze each table as a version before its cells are changed.",
        json_schema_extra={"position": 6},
    ),
]
ContinueOnError = Annotated[
    bool,
    Field(
        title="Continue on error",
        description="Go on when a single file fails. Off: the first failure stops the run.",
        json_schema_extra={"position": 7},
    ),
]


class Confirm(StrEnum):
    """Who agrees to the plan."""

    ASK = "ask"
    FORCE = "force"
    DRY_RUN = "dry-run"


Confirmation = Annotated[
    Confirm,
    Field(
        title="Confirmation",
        description="ask: pause until a person approves the plan. force: go on at once. dry-run: plan only.",
        json_schema_extra={"position": 8},
    ),
]
ReportFolder = Annotated[
    str | None,
    Field(
        title="Report folder",
        description="Where reports and the Parquet export go; beside the index when empty.",
        json_schema_extra={"position": 9},
    ),
]


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
        roots=tuple(parse_entity_id(root) for root in roots),
        destination=parse_storage_location_id(destination),
        source_location_ids=tuple(parse_storage_location_id(source) for source in sources or ()),
        strategy=strategy,
        include_tables=include_tables,
    )


def index_path_from(text: str) -> Path:
    """The index path with ``~`` resolved."""
    return Path(text).expanduser()
