"""The native checksums of S3: running ones for what arrives, finished ones for what is stored."""

import base64
import binascii
import hashlib
from collections.abc import Callable
from functools import cache
from typing import Protocol

from sandbox.objects.contents import Content
from sandbox.objects.records import StoredObject

FULL_OBJECT = "FULL_OBJECT"
COMPOSITE = "COMPOSITE"
DEFAULT_ALGORITHM = "CRC64NVME"

_CRC32C_POLYNOMIAL = 0x82F63B78
_CRC64NVME_POLYNOMIAL = 0x9A6C9329AC4BC9B5


class RunningChecksum(Protocol):
    """A checksum that is fed piece by piece."""

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""

    def digest(self) -> bytes:
        """The checksum of everything so far."""


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = binascii.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


class _TableCrc:
    """A reflected CRC, one table look-up per byte: slow, but free of further dependencies."""

    def __init__(self, polynomial: int, width: int) -> None:
        self._table = _crc_table(polynomial)
        self._width = width
        self._mask = (1 << 8 * width) - 1
        self._value = self._mask

    def update(self, data: bytes, /) -> None:
        table, value = self._table, self._value
        for byte in data:
            value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
        self._value = value

    def digest(self) -> bytes:
        return (self._value ^ self._mask).to_bytes(self._width, "big")


@cache
def _crc_table(polynomial: int) -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
        table.append(value)
    return tuple(table)


ALGORITHMS: dict[str, Callable[[], RunningChecksum]] = {
    "CRC32": _Crc32,
    "CRC32C": lambda: _TableCrc(_CRC32C_POLYNOMIAL, 4),
    "CRC64NVME": lambda: _TableCrc(_CRC64NVME_POLYNOMIAL, 8),
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "SHA256": hashlib.sha256,
}


def header_of(algorithm: str) -> str:
    """The header that carries a checksum of this algorithm."""
    return f"x-amz-checksum-{algorithm.lower()}"


def encoded(digest: bytes) -> str:
    """A checksum as it travels."""
    return base64.b64encode(digest).decode()


def checksum_of(content: Content, algorithm: str, first: int, last: int) -> bytes:
    """The checksum of a range. For declared bytes a stand-in that is equal exactly when the content is."""
    running = ALGORITHMS[algorithm]()
    if not content.is_real:
        stand_in = hashlib.shake_128(f"{algorithm}:{content.digest(first, last)}".encode())
        return stand_in.digest(len(running.digest()))
    for chunk in content.read(first, last):
        running.update(chunk)
    return running.digest()


def object_checksum(stored: StoredObject) -> str | None:
    """The checksum S3 keeps for the object, as it travels; None when it has none."""
    algorithm = stored.attributes.checksum_algorithm
    if algorithm is None:
        return None
    if stored.part_sizes and stored.attributes.checksum_type == COMPOSITE:
        return _composite(stored, algorithm)
    return encoded(checksum_of(stored.content, algorithm, 0, stored.size - 1))


def part_checksums(stored: StoredObject) -> list[str]:
    """The checksum of each part, as it travels; empty when the object has none."""
    algorithm = stored.attributes.checksum_algorithm
    return [encoded(digest) for digest in _part_digests(stored, algorithm)] if algorithm else []


def _composite(stored: StoredObject, algorithm: str) -> str:
    running = ALGORITHMS[algorithm]()
    running.update(b"".join(_part_digests(stored, algorithm)))
    return f"{encoded(running.digest())}-{len(stored.part_sizes)}"


def _part_digests(stored: StoredObject, algorithm: str) -> list[bytes]:
    digests, start = [], 0
    for size in stored.part_sizes:
        digests.append(checksum_of(stored.content, algorithm, start, start + size - 1))
        start += size
    return digests
