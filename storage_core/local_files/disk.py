"""Implements `ports.transfers.LocalFiles`."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from stat import S_ISREG

from storage_core.errors import UsageError
from storage_core.local_files.reading import measure, unreadable
from storage_core.local_files.receiving import PartialFile, disk_error, is_partial
from storage_core.model.transfers import LocalEntry, LocalFile
from storage_core.model.trees import Directory
from storage_core.plan.manifests import MANIFEST_NAME


class Disk:
    """The disks of this machine."""

    async def measure(self, path: str, cut: Callable[[int], int | None] | None = None) -> LocalFile:
        """Read a file to its end, for size and MD5s."""
        return await measure(path, cut)

    async def receive(self, folder: str, mark: str, size_bytes: int) -> PartialFile:
        """Begin to receive a file, or go on."""
        return await PartialFile.begin(folder, mark, size_bytes)

    async def entry(self, path: str) -> LocalEntry:
        """What is at *path*; a link counts as what it leads to, and one that leads nowhere as something."""
        return await asyncio.to_thread(_entry, Path(path))

    async def full_path(self, path: str) -> str:
        """The absolute form of a path."""
        return await asyncio.to_thread(_full_path, path)

    async def read_text(self, path: str) -> str:
        """A text file's content."""
        try:
            return await asyncio.to_thread(Path(path).read_text, encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is no text in UTF-8: {error.reason}.", fix="Save it as UTF-8.") from error
        except (OSError, ValueError) as error:
            raise unreadable(path, error) from error

    async def directory(self, path: str) -> Directory:
        """What is directly in a directory, by name."""
        try:
            return await asyncio.to_thread(_listed, path)
        except OSError as error:
            raise unreadable(path, error) from error

    async def make_directory(self, path: str) -> None:
        """Make it, and those above it, where they are missing."""
        try:
            await asyncio.to_thread(Path(path).mkdir, parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(Path(path), error) from error

    async def write_text(self, path: str, text: str) -> None:
        """Put a text file there, whole or not at all."""
        try:
            await asyncio.to_thread(_write_text, Path(path), text)
        except OSError as error:
            raise disk_error(Path(path).parent, error) from error


def _listed(path: str) -> Directory:
    files, directories, skipped = [], [], []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_file():
                files.append(entry.name)
            elif entry.is_dir(follow_symlinks=False):
                directories.append(entry.name)
            else:
                skipped.append(entry.name)
    return Directory(
        path=path,
        files=tuple(sorted(name for name in files if not _is_ours(name))),
        directories=tuple(sorted(directories)),
        skipped=tuple(sorted(skipped)),
    )


def _is_ours(name: str) -> bool:
    return name == MANIFEST_NAME or is_partial(name)


def _full_path(path: str) -> str:
    expanded = Path.home() / path[2:] if path.startswith("~/") else Path(path)
    # not resolved: a link keeps its name
    return os.path.normpath(expanded.absolute())


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8", newline="")
    beside.replace(path)


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
