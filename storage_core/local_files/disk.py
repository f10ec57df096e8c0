"""Implements `transfer_ports.LocalFiles`."""

import asyncio
from pathlib import Path
from stat import S_ISREG

from storage_core.local_files.reading import measure, unreadable
from storage_core.local_files.receiving import PartialFile
from storage_core.model.transfers import LocalEntry, LocalFile
from storage_core.transfer_ports import Moved, untold


class Disk:
    """The disks of this machine."""

    async def measure(self, path: str, told: Moved = untold) -> LocalFile:
        """Read a file to its end, for size and MD5."""
        return await measure(path, told)

    async def receive(self, folder: str, mark: str, size_bytes: int) -> PartialFile:
        """Begin to receive a file, or go on."""
        return await PartialFile.begin(folder, mark, size_bytes)

    async def entry(self, path: str) -> LocalEntry:
        """What is at *path*; a link counts as what it leads to, and one that leads nowhere as something."""
        return await asyncio.to_thread(_entry, Path(path))


def _entry(path: Path) -> LocalEntry:
    try:
        found = path.stat()
    except FileNotFoundError:
        return LocalEntry(exists=path.is_symlink())
    except NotADirectoryError:
        return LocalEntry(exists=False)
    except OSError as error:
        raise unreadable(str(path), error) from error
    return LocalEntry(exists=True, size_bytes=found.st_size if S_ISREG(found.st_mode) else None)
