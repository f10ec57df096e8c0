"""local_files/reading.py: what is said of a file is what its bytes are, and what is sent is what was said."""

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from storage_core.errors import SourceChanged, UsageError
from storage_core.local_files.reading import LocalContent, measure
from storage_core.model.transfers import LocalFile

PART = 3 * 2**20
STEP = 32 * 2**20
"""More than is read in one step, so that steps have to fit together."""


def md5_of(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def measured(path: Path) -> LocalFile:
    return asyncio.run(measure(str(path), lambda _size: PART))


def sent(content: LocalContent, first: int, size: int) -> tuple[bytes, str]:
    async def all_of_it() -> tuple[bytes, str]:
        reading = content.reading(first, size)
        return b"".join([chunk async for chunk in reading.chunks()]), reading.md5

    return asyncio.run(all_of_it())


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 4 * PART, STEP, STEP + 1])
def test_the_md5s_of_whole_and_parts_are_those_of_the_bytes(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    path = tmp_path / "a.bin"
    path.write_bytes(content)

    found = measured(path)

    assert (size, md5_of(content)) == (found.size_bytes, found.md5)
    assert found.parts is not None
    parts = [content[at : at + PART] for at in range(0, max(size, 1), PART)]
    assert tuple(map(md5_of, parts)) == found.parts.md5s
    assert md5_of(parts[-1]) == found.parts.md5_of(
        (len(parts) - 1) * PART, len(parts[-1]), file_size_bytes=found.size_bytes
    )


def test_parts_are_hashed_only_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x")

    assert asyncio.run(measure(str(path))).parts is None
    assert asyncio.run(measure(str(path), lambda _size: None)).parts is None


@pytest.mark.parametrize(("first", "size"), [(0, PART - 1), (1, PART), (PART, PART + 1), (0, 2 * PART)])
def test_a_stretch_that_is_no_part_is_hashed_as_it_is_read(tmp_path: Path, first: int, size: int) -> None:
    content = os.urandom(2 * PART + 5)
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    wanted = content[first : first + size]

    assert (wanted, md5_of(wanted)) == sent(LocalContent(measured(path)), first, size)


@pytest.mark.parametrize("size", [10, 2 * PART])
def test_bytes_that_were_exchanged_since_do_not_get_an_md5_of_their_own(tmp_path: Path, size: int) -> None:
    """Even when size and time of change are as before: Synapse compares with what was measured and refuses them."""
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(size))
    found = measured(path)
    path.write_bytes(b"x" * size)
    os.utime(path, ns=(found.modified_ns, found.modified_ns))
    first_part = min(size, PART)

    chunks, md5 = sent(LocalContent(found), 0, first_part)

    assert b"x" * first_part == chunks
    assert md5_of(bytes(first_part)) == md5


@pytest.mark.parametrize("size", [10, PART])
def test_a_file_that_became_shorter_is_said_so(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(size))
    content = LocalContent(measured(path))
    path.write_bytes(bytes(size - 1))

    with pytest.raises(SourceChanged, match="changed while it was read"):
        sent(content, 0, size)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no file .*nowhere\.bin"):
        measured(tmp_path / "nowhere.bin")
