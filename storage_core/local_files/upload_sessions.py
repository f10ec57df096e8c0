"""Remembers the addresses of uploads that were begun at a place which only its own address leads back to.

Whoever has such an address may go on with the upload, without any login. So they are kept like keys: in files that
only their owner may read, one per upload, gone when the upload is over. They end by themselves within a week.
"""

import hashlib
import os
from pathlib import Path

_ENDING = ".session"


class SessionFolder:
    """Addresses by ticket, in a folder of this machine; survives a kill. Blocks for a moment only."""

    def __init__(self, folder: Path, *, place: str) -> None:
        """Keep them in *folder*, made when it is needed; *place* keeps apart those of several services."""
        self._folder = folder
        self._place = place

    def recall(self, ticket: str) -> str | None:
        """The address of an earlier try; None when there is none."""
        try:
            return self._path(ticket).read_text() or None
        except FileNotFoundError:
            return None

    def remember(self, ticket: str, address: str) -> None:
        """Keep it; afterwards a kill does not lose it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(ticket)
        beside = path.with_suffix(f".{os.getpid()}.new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(address)
        beside.replace(path)

    def forget(self, ticket: str) -> None:
        """The upload is over, or nobody knows it any more."""
        self._path(ticket).unlink(missing_ok=True)

    def _path(self, ticket: str) -> Path:
        name = hashlib.sha256(f"{self._place} {ticket}".encode()).hexdigest()[:40]
        return self._folder / f"{name}{_ENDING}"
