"""How an object is cut for a multipart copy: the fewest parts that every limit and every hazard allows."""

from dataclasses import dataclass

from storage_core.model.copies import PartPlan, PartRange

MIB = 1024**2
GIB = 1024**3
TIB = 1024**4


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLimits:
    """What the service and S3 allow (contract 8.1), and what we make of it. Tests and engines may narrow it.

    Attributes:
        single_part_bytes: up to here an object travels as one part, which costs the fewest calls.
        several_parts_bytes: largest part of an object that needs several. Above 2 GiB the service's part
            count can lose the last part, so a larger value is refused here, where every plan passes.
        smallest_part_bytes: smallest part size that may be asked for.
        most_parts: largest number of parts.
        largest_object_bytes: larger objects cannot be copied at all.
    """

    single_part_bytes: int = 5 * GIB
    several_parts_bytes: int = 2 * GIB
    smallest_part_bytes: int = 5 * MIB
    most_parts: int = 10_000
    largest_object_bytes: int = 5 * TIB

    def __post_init__(self) -> None:
        """Refuse limits under which a plan could be miscounted or rejected by the service."""
        if not 5 * MIB <= self.smallest_part_bytes <= self.several_parts_bytes <= 2 * GIB:
            raise ValueError("Parts of several are at least 5 MiB and at most 2 GiB.")
        if not self.several_parts_bytes <= self.single_part_bytes <= 5 * GIB:
            raise ValueError("A single part is at most 5 GiB and no smaller than one of several.")
        if self.several_parts_bytes % MIB or self.smallest_part_bytes % MIB:
            raise ValueError("Part sizes are whole MiB.")
        if self.most_parts not in range(1, 10_001):
            raise ValueError("An object has at most 10,000 parts.")
        if not 1 <= self.largest_object_bytes <= min(5 * TIB, self.most_parts * self.several_parts_bytes):
            raise ValueError("The largest object has to fit the number of parts, and 5 TiB.")


SERVICE_LIMITS = PartLimits()
"""The real ones: one part up to 5 GiB, then parts of at most 2 GiB."""


def plan_parts(size_bytes: int, *, limits: PartLimits = SERVICE_LIMITS) -> PartPlan:
    """Cut *size_bytes* into as few parts as *limits* allow; several parts are about equally large, in whole MiB.

    The answer depends on nothing else: the part size is among the fields by which the service recognises a
    repeated request (contract 8.3), so a resumed run must come to the same one.

    Raises:
        ValueError: nothing to copy, or more than the largest object.
    """
    if not 1 <= size_bytes <= limits.largest_object_bytes:
        raise ValueError(f"{size_bytes} bytes cannot be copied in parts.")
    if size_bytes <= limits.single_part_bytes:
        return PartPlan(size_bytes=size_bytes, part_size_bytes=max(limits.smallest_part_bytes, size_bytes))
    fewest = _ceil_divide(size_bytes, limits.several_parts_bytes)
    even_share = _ceil_divide(_ceil_divide(size_bytes, fewest), MIB) * MIB
    return PartPlan(size_bytes=size_bytes, part_size_bytes=max(limits.smallest_part_bytes, even_share))


def ranges(plan: PartPlan) -> tuple[PartRange, ...]:
    """The parts of *plan* in order: contiguous, complete, ends inclusive (contract 8.5)."""
    return tuple(
        PartRange(
            number=number,
            first_byte=(number - 1) * plan.part_size_bytes,
            last_byte=min(number * plan.part_size_bytes, plan.size_bytes) - 1,
        )
        for number in range(1, plan.count + 1)
    )


LONG_COPY_BYTES = 256 * MIB
"""From here on S3 copies for seconds: such copies and parts wait apart from the others, so that nothing small waits for
them, and a migration begins them early, so that it does not end by waiting for them."""

_LEAST_PARALLEL_BYTES = 64 * MIB
"""Smaller parts spend more time on beginning than on copying."""


def parallel_parts(size_bytes: int, *, streams: int, limits: PartLimits = SERVICE_LIMITS) -> PartPlan:
    """Cut an object for an engine that pays no call per part: what needs parts at all gets one for each stream.

    One piece stays one piece: its ETag tells of its bytes, which no number of parts does. As with `plan_parts`, a
    larger part than the service counts rightly cannot come out.

    Raises:
        ValueError: see `plan_parts`.
    """
    fewest = plan_parts(size_bytes, limits=limits)
    if fewest.count == 1:
        return fewest
    share = _ceil_divide(_ceil_divide(size_bytes, max(1, streams)), MIB) * MIB
    smallest = max(limits.smallest_part_bytes, _ceil_divide(size_bytes, limits.most_parts))
    parallel = max(share, min(_LEAST_PARALLEL_BYTES, fewest.part_size_bytes), smallest)
    return PartPlan(size_bytes=size_bytes, part_size_bytes=min(parallel, fewest.part_size_bytes))


@dataclass(frozen=True, slots=True, kw_only=True)
class RestOfRun:
    """What a run has to do besides the copy of one large file.

    Attributes:
        calls_per_second: what Synapse allows.
        large_files: that share those calls, and the requests to S3; the one in question included.
        other_seconds: how long calls for all other files go out: so long, waiting for S3 costs nothing.
    """

    calls_per_second: float
    large_files: int
    other_seconds: float


def timely_parts(
    size_bytes: int, rest: RestOfRun, *, bytes_per_second: float, streams: int, limits: PartLimits = SERVICE_LIMITS
) -> PartPlan:
    """Cut an object for an engine that pays a call per part: as few as make it no later than the other files.

    Where S3 would be the last to be waited for, in as many as bring it home soonest. One piece stays one piece, see
    `parallel_parts`; several are never larger than the service counts rightly.

    Args:
        bytes_per_second: at which S3 copies one part; parts are copied side by side.
        streams: requests to S3 that may be open at a time.

    Raises:
        ValueError: see `plan_parts`.
    """
    fewest = plan_parts(size_bytes, limits=limits)
    most = min(streams // max(1, rest.large_files), size_bytes // _LEAST_PARALLEL_BYTES, limits.most_parts)
    if fewest.count == 1 or most <= fewest.count:
        return fewest

    def late_seconds(count: int) -> float:
        copying = size_bytes / count / bytes_per_second
        return max(0.0, copying + count * rest.large_files / rest.calls_per_second - rest.other_seconds)

    count = min(range(fewest.count, most + 1), key=lambda count: (late_seconds(count), count))
    share = _ceil_divide(_ceil_divide(size_bytes, count), MIB) * MIB
    return PartPlan(size_bytes=size_bytes, part_size_bytes=min(share, fewest.part_size_bytes))


MOST_ALIGNED_PARTS = 1000
"""An aligned copy has as many parts as the source, each a request to S3; beyond so many they would take long."""


def aligned_with(plan: PartPlan, *, parts: int, first_part_bytes: int) -> PartPlan:
    """The parts in which the source was uploaded, where they are even and not too many; else *plan* itself.

    Only for copies that S3 is asked for directly: the service could miscount such parts (contract 8.1).
    """
    if not 5 * MIB <= first_part_bytes <= 5 * GIB or parts > MOST_ALIGNED_PARTS:
        return plan
    aligned = PartPlan(size_bytes=plan.size_bytes, part_size_bytes=first_part_bytes)
    return aligned if aligned.count == parts else plan


def _ceil_divide(amount: int, share: int) -> int:
    return -(-amount // share)
