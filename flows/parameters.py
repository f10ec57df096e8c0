"""What our flows ask for: the type of each field with what a form says about it, and the records they belong to.

The server checks a value against its type before a run starts. Prefect reads the description from a docstring only;
`flows.forms` puts it there.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from prefect.runtime import deployment
from pydantic import Field

from storage_core.errors import UsageError
from storage_core.model.ids import parse_entity_id, parse_entity_ids, parse_storage_location_id
from storage_core.model.settings import (
    EngineOption,
    FileVersionStrategy,
    IndexOptions,
    IndexVia,
    MigrationSettings,
    RunOptions,
)
from storage_core.model.transfers import IfCollision
from storage_core.plan.canaries import MOST_ITEMS
from storage_core.plan.export_places import bucket_folder
from storage_core.plan.outcomes import parse_failure_limit
from storage_core.plan.viewing import check_options

_ENTITY = r"\s*([sS][yY][nN])?[1-9][0-9]{0,17}\s*"
_FILE_PATH = r"^[^\x00]*[^\x00/\s]$"
_PATH = r"^[^\x00]*[^\x00\s]$"


class Confirm(StrEnum):
    """Who agrees to the plan."""

    ASK = "ask"
    FORCE = "force"
    DRY_RUN = "dry-run"


RootIds = Annotated[
    list[Annotated[str, Field(pattern=rf"^{_ENTITY}(,{_ENTITY})*$")]],
    Field(
        min_length=1,
        description="What it is about: Synapse ids of projects, folders, files or tables, as syn123 or 123.",
    ),
]
Destination = Annotated[
    int,
    Field(gt=0, description="Id of a storage location that you created, of type EXTERNAL_S3 or SYNAPSE_S3."),
]
IndexPath = Annotated[
    str,
    Field(
        min_length=1,
        pattern=_FILE_PATH,
        description="Where the migration keeps its index: on a local disk of the worker, never on a network drive.",
    ),
]
SharedIndexPath = Annotated[
    str,
    Field(
        min_length=1,
        pattern=_FILE_PATH,
        description="Where the migration keeps its index, with the shards beside it: in a folder that all workers see.",
    ),
]
Strategy = Annotated[
    FileVersionStrategy,
    Field(description="new adds a version; latest and all change versions in place; skip leaves files alone."),
]
Sources = Annotated[
    list[Annotated[int, Field(gt=0)]],
    Field(description="Move only files whose bytes are in these locations. Empty: wherever they are."),
]
IncludeTables = Annotated[bool, Field(description="Also move files attached to the cells of tables.")]
Protect = Annotated[
    bool,
    Field(description="Others may only look at the projects and folders until the run ends; then all is as before."),
]
TableSnapshots = Annotated[bool, Field(description="Freeze each table as a version before its cells are changed.")]
Engine = Annotated[
    EngineOption,
    Field(
        description="synapse copies by Synapse; s3 with AWS keys of the worker; relay has the bytes flow through the"
        " worker; auto takes s3 wherever the keys suffice, and relay only where nothing else can."
    ),
]
AwsProfile = Annotated[
    str | None,
    Field(description="AWS profile of the worker whose keys the engine s3 uses; the worker's own keys when empty."),
]
ContinueOnError = Annotated[
    bool, Field(description="Go on when a single file fails. Off: the first failure stops the run.")
]
MaxFailures = Annotated[
    str,
    Field(
        pattern=r"^\s*([0-9]+|[0-9]+(\.[0-9]+)?\s*%)?\s*$",
        description="Stop when more items than this number, or than this share (2%), have failed. Empty: no limit.",
    ),
]
Via = Annotated[
    IndexVia,
    Field(description="view reads files through a temporary file view, which is always deleted; bundle one by one."),
]
View = Annotated[
    str | None, Field(description="Read files through this file view, given by its Synapse id; it is left as it is.")
]
NoProvenance = Annotated[
    bool, Field(description="No file has provenance. Spares strategy new a call per file, with a view only.")
]
Refresh = Annotated[
    bool,
    Field(description="Look again for what changed since the index was finished. Off: only go on where it ended."),
]
Confirming = Annotated[
    Confirm,
    Field(description="ask waits until a person approves the plan; force goes on at once; dry-run only plans."),
]
ApprovalHours = Annotated[
    float,
    Field(
        gt=0,
        le=24 * 365,
        description="How long the plan waits for its approval; after that the run counts as declined.",
    ),
]
ReportFolder = Annotated[
    str,
    Field(
        description="Where reports and the Parquet export go: a folder or s3://bucket/prefix; "
        "beside the index when empty."
    ),
]
People = Annotated[
    list[Annotated[str, Field(min_length=1)]],
    Field(description="Synapse users or teams, by name or id, who get a message when something was done, or failed."),
]
Credentials = Annotated[
    str, Field(description="Name of the credential blocks to use; empty: what the worker itself has.")
]
Shards = Annotated[
    int,
    Field(
        ge=1,
        le=1000,
        description="In how many parts to divide the work; some more than there are machines is best.",
    ),
]
Container = Annotated[
    str,
    Field(pattern=rf"^{_ENTITY}$", description="Synapse id of a project or folder, as syn123 or 123."),
]
FolderToUpload = Annotated[
    str,
    Field(min_length=1, pattern=_PATH, description="The directory of the worker whose contents go up."),
]
ManifestToUpload = Annotated[
    str,
    Field(
        min_length=1,
        pattern=_FILE_PATH,
        description="File of the worker that says line by line what goes where, as syncToSynapse reads it.",
    ),
]
ParentOfTheRest = Annotated[
    str,
    Field(
        pattern=rf"^({_ENTITY})?$",
        description="Synapse id of the project or folder for lines that name none, as syn123 or 123.",
    ),
]
DryRun = Annotated[bool, Field(description="Check and compare everything, write nothing.")]
FolderToFill = Annotated[
    str,
    Field(min_length=1, pattern=_PATH, description="The directory of the worker that is filled; made when missing."),
]
UploadLocation = Annotated[
    Annotated[int, Field(gt=0)] | None,
    Field(description="Id of the storage location that takes new bytes; that of the project or folder when empty."),
]
VersionComment = Annotated[str, Field(max_length=255, description="Comment of each version that is made.")]
EvenIfEqual = Annotated[bool, Field(description="Make a new version also of files whose content is the same.")]
UseBotoSts = Annotated[
    bool | None,
    Field(
        description="Straight to the bucket with temporary AWS keys, where the location gives them; "
        "when empty as the worker's configuration says."
    ),
]
Collision = Annotated[
    IfCollision, Field(description="What becomes of another file of the worker that has the name of one that comes.")
]
CanaryItems = Annotated[
    int,
    Field(
        ge=0,
        le=MOST_ITEMS,
        description="So many items, of all kinds and sizes, go first; the plan of the rest waits for an approval of its"
        " own, or with confirm=force goes on only if all went well. 0: no canary.",
    ),
]
PlanHash = Annotated[str, Field(description="The plan of the whole migration, to which somebody agreed.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose files are to lie where."""

    root_ids: RootIds
    destination_storage_location_id: Destination


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which of their files are moved, and how."""

    file_version_strategy: Strategy = FileVersionStrategy.NEW
    source_storage_location_ids: Sources = field(default_factory=list)
    include_table_files: IncludeTables = False

    def settings(self, scope: Scope) -> MigrationSettings:
        """What an index is bound to.

        Raises:
            UsageError: an id is none, or there is nothing to migrate.
        """
        if self.file_version_strategy is FileVersionStrategy.SKIP and not self.include_table_files:
            raise UsageError(
                "Skipping both file entities and files attached to tables leaves nothing to migrate.",
                fix="Switch on include_table_files, or choose another file_version_strategy.",
            )
        sources = (parse_storage_location_id(source) for source in self.source_storage_location_ids)
        return MigrationSettings(
            roots=tuple(dict.fromkeys(one for root in scope.root_ids for one in parse_entity_ids(root))),
            destination=parse_storage_location_id(scope.destination_storage_location_id),
            source_location_ids=tuple(dict.fromkeys(sources)),
            strategy=self.file_version_strategy,
            include_tables=self.include_table_files,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Copying:
    """How copies are made and tables kept."""

    table_snapshots: TableSnapshots = True
    protect: Protect = False
    engine: Engine = EngineOption.AUTO
    aws_profile: AwsProfile = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the index is filled."""

    index_via: Via = IndexVia.AUTO
    view: View = None
    no_provenance: NoProvenance = False

    def options(self) -> IndexOptions:
        """The same for the core; an empty view is none.

        Raises:
            UsageError: the view's id is none, or the values contradict each other.
        """
        view = parse_entity_id(self.view) if self.view else None
        options = IndexOptions(via=self.index_via, view=view, asks_provenance=not self.no_provenance)
        check_options(options)
        return options


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """How much trouble a run bears."""

    continue_on_error: ContinueOnError = False
    max_failures: MaxFailures = ""

    def options(self, reading: Reading | None = None, copying: Copying | None = None, canary: int = 0) -> RunOptions:
        """How the run behaves.

        Raises:
            UsageError: more failures than all are allowed; see also `Reading.options`.
        """
        copying = copying or Copying()
        at_most, percent = parse_failure_limit(self.max_failures.strip() or None)
        return RunOptions(
            continue_on_error=self.continue_on_error,
            max_failures=at_most,
            max_failures_percent=percent,
            table_snapshots=copying.table_snapshots,
            protect=copying.protect,
            engine=copying.engine,
            aws_profile=copying.aws_profile or None,
            indexing=(reading or Reading()).options(),
            canary=canary,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreeing:
    """Who agrees to the plan, and by when."""

    confirm: Confirming = Confirm.ASK
    approval_hours: ApprovalHours = 168.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Who gets to know how it ended."""

    report_folder: ReportFolder = ""
    notify: People = field(default_factory=list)


OUR_FOLDER = "~/synapse-storage"
"""Where the deployments have their indexes unless a form says otherwise: on a new worker it is not there yet."""

UNASKED = Agreeing(confirm=Confirm.FORCE)
"""What flows begin with that change only what somebody has decided before."""


def index_path_from(text: str) -> Path:
    """The index path with ``~`` resolved. `OUR_FOLDER` is made when it is missing; no other folder is.

    Raises:
        UsageError: it cannot be made; see also `on_the_worker`.
    """
    path, ours = on_the_worker(text), Path(OUR_FOLDER).expanduser()
    if path.parent == ours:
        try:
            ours.mkdir(exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"The folder {ours} cannot be made: {error.strerror or error}.", fix="Give another path for the index."
            ) from error
    return path


def report_place_from(text: str) -> str | None:
    """Where reports go; None is beside the index.

    Raises:
        UsageError: it begins like an address in S3 and is none; see also `on_the_worker`.
    """
    if text and bucket_folder(text) is None:
        on_the_worker(text)
    return text or None


def on_the_worker(text: str) -> Path:
    """A path with ``~`` resolved. In a run of a deployment it begins at the root.

    A worker gives each run an empty directory to work in, and removes it afterwards with all that was put there.

    Raises:
        UsageError: it is relative, and would be gone when the run ends.
    """
    path = Path(text).expanduser()
    if not path.is_absolute() and deployment.id is not None:
        raise UsageError(
            f"{text!r} would lie in the directory that the worker removes when the run ends.",
            fix="Give the whole path, from / or ~/ on.",
        )
    return path
