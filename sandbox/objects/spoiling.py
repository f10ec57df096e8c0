"""Damage done to the bytes of a part on their way into the store: what a proof has to find."""

import hashlib
from collections.abc import Callable

from sandbox.faults import FaultKind
from sandbox.objects.contents import Content, MemoryContent, VirtualContent, slice_of

_LARGEST_REAL = 1 << 24


def spoiler_of(fault: FaultKind | None) -> Callable[[Content], Content]:
    """What *fault* makes of a part; nothing for every kind that is not about bytes."""
    match fault:
        case FaultKind.DAMAGE:
            return with_a_byte_flipped
        case FaultKind.SHORTEN:
            return without_last_byte
        case _:
            return lambda content: content


def with_a_byte_flipped(content: Content) -> Content:
    """As long, and not the same; a large or declared content becomes another declared one."""
    if not content.is_real or content.size > _LARGEST_REAL:
        other = hashlib.md5(f"damaged {content.whole_digest()}".encode(), usedforsecurity=False).hexdigest()
        return VirtualContent(content.size, other)
    data = bytearray(content.bytes())
    data[0] ^= 1
    return MemoryContent(bytes(data))


def without_last_byte(content: Content) -> Content:
    """One byte less; what has a single byte keeps it, as there is no empty part."""
    return slice_of(content, 0, content.size - 2) if content.size > 1 else content
