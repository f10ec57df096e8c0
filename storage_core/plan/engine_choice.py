"""Which engine makes a copy: by capabilities and by what the user's own keys reach. Pure; names no engine."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from storage_core.errors import UsageError
from storage_core.model.copies import CopyRequest, EngineName, PartPlan
from storage_core.model.destinations import LocationKind
from storage_core.model.engines import CopyChoice, CopySource, EngineCapabilities, EngineShare, KeyCheck
from storage_core.model.handles import FileHandle
from storage_core.model.ids import DEFAULT_STORAGE_LOCATION
from storage_core.model.settings import EngineOption
from storage_core.plan.parts import SERVICE_LIMITS, parallel_parts

_UNASKED = KeyCheck(is_allowed=False, detail="nobody asked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What the user's own keys were seen to reach: the destination, and source buckets by name."""

    destination: KeyCheck = _UNASKED
    sources: Mapping[str, KeyCheck] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """An engine, and the sentence that says why it and no other."""

    engine: EngineName
    why: str


MOST_STREAMS_PER_OBJECT = 16
"""Pieces that one object is cut into for the sake of speed. At 100 MB/s a piece, 16 copy 30 GB in 19 s; more would only
multiply requests, each of which costs money and time to send, while many objects share the same connections."""


class EngineChooser:
    """Answers for every copy of a run; the same question gets the same answer."""

    def __init__(
        self,
        engines: Sequence[EngineCapabilities],
        *,
        option: EngineOption,
        destination: LocationKind,
        reach: Reach,
        streams: int = 64,
        timely: Callable[[int], PartPlan] | None = None,
    ) -> None:
        """Choose among *engines*: fewest Synapse calls for a small file first, last those that move bytes by us.

        Args:
            streams: requests to S3 that may be open at a time.
            timely: cuts an object of so many bytes where each part costs a call; without it there are the fewest.
        """
        self._engines = sorted(engines, key=lambda one: (one.through_here, one.calls(copies=1, parts=1)))
        self._option = option
        self._destination = destination
        self._reach = reach
        self._streams = streams
        self._timely = timely

    def choose(self, source: FileHandle) -> Chosen:
        """The engine that was asked for; with `auto` the first without an objection.

        When there are objections against all, the last of those that leave the bytes where they are is taken; its
        refusal of the copy will be the copy's reason.
        """
        if self._option is not EngineOption.AUTO:
            return Chosen(engine=EngineName(self._option.value), why=f"asked for with --engine {self._option}")
        objections: list[str] = []
        for engine in self._engines:
            objection = self._objection(engine, source)
            if objection is None:
                return Chosen(engine=engine.name, why="; ".join(objections) or "spends the fewest Synapse calls")
            objections.append(f"not {engine.name}: {objection}")
        last = [engine for engine in self._engines if not engine.through_here][-1]
        return Chosen(engine=last.name, why="; ".join(objections))

    def choice(self, request: CopyRequest) -> CopyChoice:
        """The same for one copy, as the index keeps it, with the size of its parts."""
        chosen = self._capabilities(self.choose(request.source).engine)
        parts = self._parts(chosen, request.source.size_bytes or 0)
        # without a plan: the fewest parts, which the engine knows to find
        part_size_bytes = None if parts is None else parts.part_size_bytes
        return CopyChoice(copy_id=request.copy_id, engine=chosen.name, part_size_bytes=part_size_bytes)

    def _parts(self, engine: EngineCapabilities, size_bytes: int) -> PartPlan | None:
        if not SERVICE_LIMITS.single_part_bytes < size_bytes <= SERVICE_LIMITS.largest_object_bytes:
            return None
        if not engine.calls_per_part:
            return parallel_parts(size_bytes, streams=min(self._streams, MOST_STREAMS_PER_OBJECT))
        return None if self._timely is None else self._timely(size_bytes)

    def _capabilities(self, name: EngineName) -> EngineCapabilities:
        return next(one for one in self._engines if one.name is name)

    def shares(self, sources: Sequence[CopySource]) -> tuple[EngineShare, ...]:
        """How the work is shared out: one share per engine, place and reason; copies that are begun keep theirs."""
        shares: dict[tuple[EngineName, str | None, str], EngineShare] = {}
        for source in sources:
            begun = Chosen(engine=source.engine, why="begun in an earlier run") if source.engine else None
            chosen = begun or self.choose(source.sample)
            share = self._share(chosen, source)
            key = (share.engine, share.bucket, share.why)
            shares[key] = _joined(shares[key], share) if key in shares else share
        return tuple(shares.values())

    def _share(self, chosen: Chosen, source: CopySource) -> EngineShare:
        capabilities = self._capabilities(chosen.engine)
        return EngineShare(
            engine=chosen.engine,
            bucket=source.sample.bucket,
            copies=source.copies,
            size_bytes=source.size_bytes,
            parts=source.parts,
            calls=capabilities.calls(copies=source.copies, parts=source.parts),
            why=chosen.why,
            through_here=capabilities.through_here,
        )

    def _objection(self, engine: EngineCapabilities, source: FileHandle) -> str | None:
        """The first reason against an engine, in words; None when there is none."""
        obstacle = _obstacle(engine, source, self._destination)
        if obstacle is not None or not engine.needs_keys:
            return obstacle
        if not self._reach.destination.is_allowed:
            return f"your AWS keys may not write to the destination ({self._reach.destination.detail})"
        check = self._reach.sources.get(source.bucket or "", _UNASKED)
        return None if check.is_allowed else f"your AWS keys may not read {source.bucket} ({check.detail})"


def needs_keys(engines: Sequence[EngineCapabilities], *, option: EngineOption, destination: LocationKind) -> bool:
    """Whether the one engine asked for works with the user's own keys; False with `auto`, which has others.

    Raises:
        UsageError: the engine asked for cannot fill the destination at all.
    """
    asked = next((one for one in engines if one.name == option.value), None)
    if asked is not None and destination not in asked.writes:
        raise UsageError(
            f"The engine {option} cannot write to a storage location of type {destination}.",
            fix="Leave --engine away, or choose a destination of another type.",
        )
    return asked is not None and asked.needs_keys


def flows_through_here(
    engines: Sequence[EngineCapabilities], *, option: EngineOption, destination: LocationKind
) -> bool:
    """Whether every copy will: it is asked for, or nothing else can fill the destination."""
    able = [one for one in engines if destination in one.writes]
    asked = [one for one in able if option is EngineOption.AUTO or one.name == option.value]
    return bool(asked) and all(one.through_here for one in asked)


def samples_to_try(
    engines: Sequence[EngineCapabilities],
    sources: Sequence[CopySource],
    *,
    option: EngineOption,
    destination: LocationKind,
) -> tuple[FileHandle, ...]:
    """Of each source bucket that an engine with keys may come to read, one object; nothing when none may."""
    asked = [one for one in engines if option is EngineOption.AUTO or one.name == option.value]
    tried: dict[str, FileHandle] = {}
    for source in sources:
        sample = source.sample
        if source.engine is None and sample.bucket and any(_may_need_keys(one, sample, destination) for one in asked):
            is_own_choice = option is not EngineOption.AUTO
            if is_own_choice or sample.storage_location_id != DEFAULT_STORAGE_LOCATION:
                tried.setdefault(sample.bucket, sample)
    return tuple(tried.values())


def _may_need_keys(engine: EngineCapabilities, sample: FileHandle, destination: LocationKind) -> bool:
    return engine.needs_keys and sample.kind in engine.reads and destination in engine.writes


def _obstacle(engine: EngineCapabilities, source: FileHandle, destination: LocationKind) -> str | None:
    """What stands against an engine whatever the keys."""
    if source.kind not in engine.reads:
        return f"it does not read files of kind {source.kind}"
    if destination not in engine.writes:
        return f"it does not write to a location of type {destination}"
    if engine.needs_keys and source.storage_location_id == DEFAULT_STORAGE_LOCATION:
        # contract 13.4: nobody is given the right to read that bucket, so asking would be a wasted refusal
        return "only Synapse reads Synapse's own storage"
    return None


def _joined(one: EngineShare, other: EngineShare) -> EngineShare:
    return EngineShare(
        engine=one.engine,
        bucket=one.bucket,
        copies=one.copies + other.copies,
        size_bytes=one.size_bytes + other.size_bytes,
        parts=one.parts + other.parts,
        calls=one.calls + other.calls,
        why=one.why,
        through_here=one.through_here,
    )
