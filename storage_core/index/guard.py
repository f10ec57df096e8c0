"""One process per index: who holds it, said so that a person can find the holder.

DuckDB's own file lock is the guard, and it goes with the process that holds it, however that dies. The note
beside the file only makes the message better; a stale one is recognised by its process id and ignored.
"""

import json
import os
import re
import socket
import sys
import threading
from datetime import datetime
from pathlib import Path

from storage_core.errors import IndexInUse

_HOLDER = re.compile(r"held in (?P<command>.+?) \(PID (?P<pid>\d+)\)")
_LOCK_TEXT = "Could not set lock on file"

_held: set[Path] = set()
_held_lock = threading.Lock()


def is_lock_failure(text: str) -> bool:
    """Whether DuckDB's message says that another process has the file."""
    return _LOCK_TEXT in text


def in_use(path: Path, duckdb_says: str) -> IndexInUse:
    """The error for an index that another process holds."""
    match = _HOLDER.search(duckdb_says)
    if match is None:
        return _refusal(path, "another process")
    pid = int(match["pid"])
    return _refusal(path, f"process {pid} ({_command_of(pid) or match['command']}){_since(path, pid)}")


def hold(path: Path) -> None:
    """Note that this process has the index open.

    Raises:
        IndexInUse: it had it open already; DuckDB would share the connection instead of refusing.
    """
    with _held_lock:
        if path in _held:
            raise _refusal(path, f"this very process ({os.getpid()})")
        _held.add(path)


def release(path: Path) -> None:
    """This process has the index open no longer."""
    with _held_lock:
        _held.discard(path)


def is_held_here(path: Path) -> bool:
    """Whether this process has the index open for writing."""
    with _held_lock:
        return path in _held


def note_path(path: Path) -> Path:
    """Where the holder's note lies."""
    return path.with_name(f"{path.name}.holder")


def write_note(path: Path, now: datetime) -> None:
    """Leave pid, host, program and time beside the index. The caller sees to the file's mode."""
    program = Path(sys.argv[0]).name if sys.argv else ""
    told = {"pid": os.getpid(), "host": socket.gethostname(), "program": program, "since": now.isoformat()}
    note_path(path).write_text(json.dumps(told), encoding="utf-8")


def remove_note(path: Path) -> None:
    """Take the holder's note away; only the holder may, before it lets go of the file."""
    note_path(path).unlink(missing_ok=True)


def _refusal(path: Path, holder: str) -> IndexInUse:
    return IndexInUse(
        f"{path} is in use by {holder}.",
        fix="Wait until it is done or stop it. `synapse-storage status` works meanwhile: it reads the snapshot.",
    )


def _since(path: Path, pid: int) -> str:
    """What the note adds; nothing when it is missing, unreadable or another process's."""
    try:
        told = json.loads(note_path(path).read_text(encoding="utf-8"))
        if told["pid"] != pid:
            return ""
        return f", {told['program']} on {told['host']} since {told['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _command_of(pid: int) -> str | None:
    """The command line of a process, where the system shows it (Linux)."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return None
    words = raw.decode("utf-8", "replace").replace("\0", " ").split()
    return " ".join(words)[:120] or None
