"""Files that appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from storage_core.errors import UsageError

_DUCKDB_MAGIC, _DUCKDB_MAGIC_AT = b"DUCK", 8
_SQLITE_MAGIC = b"SQLite format 3\x00"
_MAGIC_BYTES = 16


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """Write text that becomes *path* when the block ends well; after an error *path* is as it was.

    Raises:
        UsageError: the folder is missing or may not be written, or *path* is a folder or a database.
    """
    check_replaceable(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        file = draft.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise _not_written(path, error) from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:  # nothing is swallowed: it is cleaned up and raised again
        draft.unlink(missing_ok=True)
        raise


def check_replaceable(path: Path) -> None:
    """Refuse what no text may take the place of: a mistyped path must not cost anybody an index.

    Not for an index that this process has open: closing a look at it would let go of its lock.

    Raises:
        UsageError: *path* is a folder, a device, or a DuckDB or SQLite database.
    """
    try:
        if not path.exists():
            return
        if not path.is_file():
            raise UsageError(f"{path} is no ordinary file.", fix="Give the path of a file, or of one to be made.")
        with path.open("rb") as file:
            head = file.read(_MAGIC_BYTES)
    except OSError as error:
        raise _not_written(path, error) from error
    if head[_DUCKDB_MAGIC_AT:].startswith(_DUCKDB_MAGIC) or head.startswith(_SQLITE_MAGIC):
        raise UsageError(f"{path} is a database, perhaps an index; it is not overwritten.", fix="Give another path.")


def check_writable(path: Path) -> None:
    """Refuse before a long run what `replacing` would refuse after it.

    Raises:
        UsageError: see `replacing`.
    """
    check_replaceable(path)
    check_folder(path.parent)


def check_folder(folder: Path, *, may_be_made: bool = False) -> None:
    """Refuse a folder that no file can be put into, or that cannot be made where it *may be made*.

    Raises:
        UsageError: it is a file, may not be written, or is missing.
    """
    there = folder
    while may_be_made and not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        what = f"{there} is no folder." if there.exists() else f"There is no folder {there}."
        raise UsageError(what, fix="Make it, or give another path.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"The folder {there} is not writable.", fix="Get write access to it, or give another path.")


def _not_written(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{path} cannot be written: {error.strerror}.", fix="Give a path in a folder that exists and is yours."
    )
