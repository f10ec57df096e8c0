"""Opening an index file: for the one writer, with every refusal in words a steward can act on."""

import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb

from storage_core.errors import IndexUnusable, UsageError
from storage_core.index.bound_settings import differences, from_rows, to_rows
from storage_core.index.database import Database, private_files, utc_now
from storage_core.index.guard import hold, in_use, is_lock_failure, release, write_note
from storage_core.index.schema import STEPS, bring_up_to_date, refuse_newer, version_of
from storage_core.index.store import Index
from storage_core.index.views import refresh_views
from storage_core.model.settings import MigrationSettings

_SQLITE_MAGIC = b"SQLite format 3\x00"
_DUCKDB_MAGIC = b"DUCK"
_DUCKDB_MAGIC_AT = 8

_CREATED, _BOUND_ANEW = "created", "bound anew"

_OTHER_FILE = "Name a file that synapse-storage made, or a path where there is none yet."


def open_index(
    path: Path | str, settings: MigrationSettings | None, *, create: bool, now: Callable[[], datetime] = utc_now
) -> Index:
    """Open the index at *path* for writing; a context manager, or to be closed with `close()`.

    Args:
        settings: the question asked; None to take whatever question the file is bound to.
        create: make the file if there is none; needs *settings*.

    Raises:
        UsageError: no such file, or its folder is missing or not writable.
        IndexUnusable: damaged, no index of ours, of a newer release, or bound to other settings.
        IndexInUse: a process, perhaps this one, has it open.
    """
    where = resolved(path)
    # First of all: closing a descriptor, even of a mere look, would drop the lock of an index that is open here.
    hold(where)
    try:
        _look_before(where, settings, create=create)
        is_new = not where.exists()
        return _open_held(where, settings, now, is_new=is_new)
    except BaseException:  # nothing is swallowed: it is cleaned up and raised again
        release(where)
        raise


def resolved(path: Path | str) -> Path:
    """The one absolute path of an index, links followed: two names of one file must meet the same guard.

    Raises:
        UsageError: no file can be there: a link that leads to itself, a name that is too long.
    """
    where = Path(path).expanduser()
    try:
        found = where.resolve()
        found.exists()
    except (OSError, RuntimeError) as error:  # a RuntimeError is what Python 3.11 and 3.12 make of links in a circle
        why = error.strerror if isinstance(error, OSError) else "its links lead in a circle"
        raise UsageError(f"{where} cannot be the path of an index: {why}.", fix="Give another path.") from error
    return found


def connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Connect with the limits we run under; nothing is ever fetched from a network.

    Raises:
        IndexInUse: another process has the file.
        IndexUnusable: DuckDB cannot read it.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": "512MB",
        "threads": 2,
        "temp_directory": str(spill_folder(path)),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if not read_only:
        config["checkpoint_threshold"] = "64MB"
    try:
        return duckdb.connect(str(path), read_only=read_only, config=config)
    except duckdb.Error as failure:
        if is_lock_failure(str(failure)):
            raise in_use(path, str(failure)) from None
        raise damaged(path, str(failure)) from failure


def existing(path: Path | str) -> Path:
    """The one path of an index that is there; it may be open elsewhere.

    Raises:
        UsageError: there is no such file.
        IndexUnusable: it is something else.
    """
    where = resolved(path)
    if not where.is_file():
        raise UsageError(f"There is no index at {where}.", fix="Check the path, or make one with `index`.")
    check_kind_of_file(where)
    return where


def check_kind_of_file(path: Path) -> None:
    """Tell an index from other files by their first bytes, before DuckDB guesses.

    Raises:
        IndexUnusable: it is something else; the fix names `import-index` for an index of the old client.
    """
    with path.open("rb") as file:
        head = file.read(_DUCKDB_MAGIC_AT + len(_DUCKDB_MAGIC))
    if _SQLITE_MAGIC.startswith(head[: len(_SQLITE_MAGIC)]) and head:
        raise IndexUnusable(
            f"{path} is an SQLite file; synapseclient's migration keeps its index in one.",
            fix=f"Run `synapse-storage import-index {path} NEW.duckdb` to carry on with it.",
        )
    if head[_DUCKDB_MAGIC_AT:] != _DUCKDB_MAGIC:
        raise IndexUnusable(f"{path} is no index: it is not a DuckDB file.", fix=_OTHER_FILE)


def bound_settings(connection: duckdb.DuckDBPyConnection, path: Path) -> MigrationSettings:
    """The settings the file is bound to.

    Raises:
        IndexUnusable: they are missing or make no sense.
    """
    try:
        return from_rows(dict(connection.execute("select name, value from settings_v1").fetchall()))
    except (KeyError, ValueError, duckdb.Error) as failure:
        raise damaged(path, f"its settings cannot be read ({failure})") from failure


def damaged(path: Path, why: str) -> IndexUnusable:
    """The error for a file that cannot be read."""
    return IndexUnusable(
        f"{path} cannot be read as an index: {why}",
        fix="Restore it from a backup, or move it away and index again: what is migrated already is recognised.",
    )


def not_ours(path: Path) -> IndexUnusable:
    """The error for a DuckDB file that somebody else made."""
    return IndexUnusable(f"{path} is a DuckDB file, but no index of synapse-storage.", fix=_OTHER_FILE)


def spill_folder(path: Path) -> Path:
    """Where DuckDB puts what does not fit into memory: beside the index, on the same disk."""
    return path.with_name(f"{path.name}.tmp")


def _look_before(path: Path, settings: MigrationSettings | None, *, create: bool) -> None:
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", fix="Give the path of an index file, for example project.duckdb.")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", fix="Make it, or give another path for the index.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise UsageError(
            f"The folder {path.parent} is not writable.", fix="Get write access to it, or give another path."
        )
    if path.exists():
        _look_at_file(path, may_be_empty=create and settings is not None)
    elif not create or settings is None:
        raise UsageError(f"There is no index at {path}.", fix="Make one with `synapse-storage index`.")


def _look_at_file(path: Path, *, may_be_empty: bool) -> None:
    if not os.access(path, os.R_OK | os.W_OK):
        raise UsageError(f"{path} is not writable.", fix="Run as the user who made it, or copy it.")
    if may_be_empty and path.stat().st_size == 0:
        # Made by `touch` or `mktemp`, or by a run that was killed as it began. DuckDB refuses empty files.
        path.unlink()
    else:
        check_kind_of_file(path)


def _open_held(path: Path, settings: MigrationSettings | None, now: Callable[[], datetime], *, is_new: bool) -> Index:
    with private_files():
        connection = connect(path, read_only=False)
        try:
            is_bound_anew = _prepare(connection, path, settings)
            bound = bound_settings(connection, path)
            path.chmod(0o600)
            write_note(path, now())
            database = Database(connection, path, now)
        except BaseException as failure:
            connection.close()
            if is_new:
                path.unlink(missing_ok=True)
            if isinstance(failure, duckdb.Error):
                raise damaged(path, str(failure)) from failure
            raise
    shutil.rmtree(spill_folder(path), ignore_errors=True)
    index = Index(database, bound)
    if is_new or is_bound_anew:
        told = "; ".join(f"{name} {value or 'any'}" for name, value in to_rows(bound))
        index.note(_CREATED if is_new else _BOUND_ANEW, told)
    return index


def _prepare(connection: duckdb.DuckDBPyConnection, path: Path, settings: MigrationSettings | None) -> bool:
    """Bring the tables up to date, bind or compare the settings. Runs before anybody else sees the index.

    Returns:
        Whether the index, which was bound to other settings and nothing more, is bound to these now.
    """
    version = version_of(connection)
    if version is None:
        raise not_ours(path)
    refuse_newer(version, str(path), newest=STEPS[-1].number)
    is_bound = version > 0 and bool(connection.execute("select 1 from setting limit 1").fetchall())
    if not is_bound and settings is None:
        raise not_ours(path)
    differing = differences(bound_settings(connection, path), settings) if is_bound and settings is not None else []
    if differing and _holds_anything(connection):
        raise IndexUnusable(
            f"{path} belongs to another migration: {'; '.join(differing)}.",
            fix="Use the settings it was made with, or another file for the other migration.",
        )
    bring_up_to_date(connection, version, STEPS)
    connection.execute("begin")
    refresh_views(connection)
    if settings is not None and (differing or not is_bound):
        # Also after a kill between the first tables and this line.
        connection.execute("delete from setting")
        connection.executemany("insert into setting values (?, ?)", to_rows(settings))
    connection.execute("commit")
    return bool(differing)


def _holds_anything(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether a run has come further than to being refused before its first call for a container.

    A mistyped id leaves such an index behind; whoever corrects it need not find another name for the file.
    """
    ((is_begun,),) = connection.execute(
        "select exists (from found) or exists (from item) or exists (from fact where key <> 'migration_id')"
        " or exists (from journal where event not in (?, ?))",
        [_CREATED, _BOUND_ANEW],
    ).fetchall()
    return bool(is_begun)
