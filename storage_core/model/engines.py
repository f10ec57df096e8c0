"""What copy engines can do, what the user's own keys can reach, and how the work is shared among engines."""

from dataclasses import dataclass

from storage_core.model.copies import EngineName
from storage_core.model.destinations import LocationKind
from storage_core.model.handles import FileHandle, HandleKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRange:
    """Files above a size, up to another. A file without a size counts as an empty one."""

    above_bytes: int = -1
    up_to_bytes: int = 2**63 - 1


ANY_SIZE = SizeRange()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCapabilities:
    """What an engine declares about itself; it is chosen by this and by nothing else.

    Attributes:
        reads: kinds of file handles whose bytes it can read.
        writes: kinds of storage locations it can fill.
        needs_keys: it works with keys of the user's own, so these must reach the source and the destination.
        calls_per_copy, calls_per_part: Synapse calls it spends at most; what is not counted by Synapse does not count.
        through_here: the bytes flow through this machine; so it is only chosen where no other engine can.
    """

    name: EngineName
    reads: frozenset[HandleKind]
    writes: frozenset[LocationKind]
    needs_keys: bool
    calls_per_copy: int
    calls_per_part: int
    through_here: bool = False

    def calls(self, *, copies: int, parts: int) -> int:
        """Synapse calls for so many copies of so many parts in all."""
        return self.calls_per_copy * copies + self.calls_per_part * parts


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCheck:
    """Whether the user's own keys may do something; `detail` says what was answered when they may not."""

    is_allowed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPlace:
    """Where an engine puts objects: all its keys in *bucket* begin with *prefix*, and nobody else's do."""

    bucket: str
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CopySource:
    """Copies that are still to be made and are read from the same place.

    Attributes:
        engine: whoever has begun them; None when nobody has.
        sample: the source of one of them.
    """

    sample: FileHandle
    engine: EngineName | None
    copies: int
    size_bytes: int
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineShare:
    """What one engine will copy, from one place, and why it was chosen.

    Attributes:
        bucket: where the bytes are read; None when Synapse does not say.
        calls: Synapse calls for all of them.
        through_here: their bytes flow through this machine.
    """

    engine: EngineName
    bucket: str | None
    copies: int
    size_bytes: int
    parts: int
    calls: int
    why: str
    through_here: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyChoice:
    """Who makes one copy, and in parts of which size; kept by the index from the moment the copy is taken up."""

    copy_id: int
    engine: EngineName
    part_size_bytes: int | None = None
