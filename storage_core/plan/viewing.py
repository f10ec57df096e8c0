"""What a file view is good for: which of its rows may be believed, and when it is worth its calls. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage_core.errors import UsageError
from storage_core.model.entities import EntityKind, RootSnapshot
from storage_core.model.file_views import EntityNow, ViewFacts, ViewRow
from storage_core.model.ids import EntityId
from storage_core.model.settings import FileVersionStrategy, IndexOptions, IndexVia, MigrationSettings

ROW_COLUMNS = ("id", "currentVersion", "modifiedOn", "dataFileHandleId", "parentId")
"""What is read of every row; in this order."""

DESCRIPTION = "description"
"""Only asked whether it is empty: a file that has one is read by itself."""

FILES_PER_READ = 2000
"""Files looked up in a view at a time: more would save some calls in a hundred, and hold more in memory."""

_WORTH_A_VIEW = 25
"""Fewer files are read one by one: making, asking and deleting a view costs about ten calls, and patience."""

_WORTH_A_WORD = 200
"""Fewer files are not worth telling what a view would save."""

_CALLS_PER_VIEW = 6
_CALLS_PER_READ = 5
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSaving:
    """What reading files through a view would take instead of reading them one by one, in calls."""

    files: int
    calls_one_by_one: int
    calls_through_view: int


def view_name(migration_id: str) -> str:
    """The name of the temporary view of one migration; nobody else's view has it, so it can be found again by it."""
    return f"synapse-storage index {migration_id} (temporary, may be deleted)"


def is_as_shown(row: ViewRow, now: EntityNow | None) -> bool:
    """Whether a file is still as a view shows it: every change of a file gives it another time of modification.

    Args:
        now: the entity's header, read after the row; None when Synapse showed none.
    """
    return (
        now is not None
        and now.kind is EntityKind.FILE
        and now.version == row.version
        and now.modified_on is not None
        and milliseconds(now.modified_on) == row.modified_on
    )


def milliseconds(stamp: str) -> int:
    """A time of the service's as a view's cells tell it: milliseconds since 1970."""
    return (datetime.fromisoformat(stamp) - _EPOCH) // timedelta(milliseconds=1)


def check_options(options: IndexOptions) -> None:
    """Refuse options that contradict each other; needs no call.

    Raises:
        UsageError: a view was named, and not to be used.
    """
    if options.view is not None and options.via is IndexVia.BUNDLE:
        raise UsageError(
            f"--view {options.view} names a view, and --index-via bundle says to use none.",
            fix="Leave one of them out.",
        )


def columns_needed(settings: MigrationSettings, options: IndexOptions) -> tuple[str, ...]:
    """The columns a view must have."""
    return (*ROW_COLUMNS, DESCRIPTION) if needs_bodies(settings, options) else ROW_COLUMNS


def needs_bodies(settings: MigrationSettings, options: IndexOptions) -> bool:
    """Whether whole bodies are to be made of what a view and headers show."""
    return settings.strategy is FileVersionStrategy.NEW and not options.asks_provenance


def check_view(view: ViewFacts, roots: Sequence[RootSnapshot], needed: Sequence[str]) -> None:
    """Refuse a view that would leave files out without showing it.

    Raises:
        UsageError: with everything that is wrong with it.
    """
    if view.kind is not EntityKind.ENTITY_VIEW:
        raise UsageError(f"{view.id} is no entity view but a {view.kind}.", fix="Name a view of files with --view.")
    wrong = [] if view.shows_files else ["does not show files"]
    wrong += [f"does not cover {root.header.id}" for root in roots if not _covers(view, root)]
    missing = [name for name in needed if name not in view.columns]
    wrong += [f"lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}"] if missing else []
    if wrong:
        raise UsageError(
            f"The view {view.id} {' and '.join(wrong)}.",
            fix="Change the view, name another one, or use --index-via view, which makes a temporary one.",
        )


def _covers(view: ViewFacts, root: RootSnapshot) -> bool:
    above = {step.id for step in root.path} | {root.header.id, root.parent_id}
    return bool(above & view.scope)


def scope_of(roots: Sequence[RootSnapshot]) -> tuple[EntityId, ...]:
    """What a temporary view has to cover: the roots that hold something."""
    return tuple(root.header.id for root in roots if root.header.kind.is_container)


def is_worth_a_view(files: int) -> bool:
    """Whether so many files are read quicker through a view that has to be made first."""
    return files >= _WORTH_A_VIEW


def saving_of(files: int) -> ViewSaving | None:
    """What a view would save; None when that is not worth telling."""
    if files < _WORTH_A_WORD:
        return None
    reads = -(-files // FILES_PER_READ)
    through = _CALLS_PER_VIEW + reads * _CALLS_PER_READ + -(-files // 100)
    return ViewSaving(files=files, calls_one_by_one=files, calls_through_view=through)
