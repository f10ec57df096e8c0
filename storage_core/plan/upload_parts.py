"""How a local file is cut for an upload through Synapse: few parts, because each costs a call, yet enough at once."""

from dataclasses import dataclass

from storage_core.model.copies import PartPlan
from storage_core.plan.parts import GIB, MIB, TIB


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPartLimits:
    """What the service allows (contract 8.1), and what we make of it. Tests may narrow it.

    Attributes:
        smallest_part_bytes: up to here a file travels as one part. Each part costs a call of the 600 a minute, a tenth
            of a second; at 16 MiB that is little even on a fast line.
        usual_most_parts: parts grow with the file so that there are no more than these, until
        largest_usual_part_bytes: is reached: a part is what a broken line loses.
        most_parts: more are never planned; parts then grow beyond the usual.
        largest_file_bytes: larger files cannot be stored.
    """

    smallest_part_bytes: int = 16 * MIB
    usual_most_parts: int = 100
    largest_usual_part_bytes: int = 128 * MIB
    most_parts: int = 10_000
    largest_file_bytes: int = 5 * TIB

    def __post_init__(self) -> None:
        """Refuse limits under which a plan would be refused or miscounted by the service (contract 8.1)."""
        if not 5 * MIB <= self.smallest_part_bytes <= self.largest_usual_part_bytes <= 2 * GIB:
            raise ValueError("Parts are at least 5 MiB and at most 2 GiB.")
        if self.most_parts not in range(1, 10_001):
            raise ValueError("The largest number of parts is 10,000.")
        if not 1 <= self.largest_file_bytes <= min(5 * TIB, self.most_parts * 2 * GIB):
            raise ValueError("The largest file has to fit the number of parts, and 5 TiB.")


UPLOAD_LIMITS = UploadPartLimits()


def plan_upload_parts(size_bytes: int, *, limits: UploadPartLimits = UPLOAD_LIMITS) -> PartPlan:
    """Cut *size_bytes*; the answer depends on nothing else, so that a resumed upload is recognised (contract 8.3).

    Raises:
        ValueError: nothing to upload, or more than the largest file.
    """
    if not 1 <= size_bytes <= limits.largest_file_bytes:
        raise ValueError(f"{size_bytes} bytes cannot be uploaded in parts.")
    wanted = _whole_mib(size_bytes, limits.usual_most_parts)
    usual = min(max(wanted, limits.smallest_part_bytes), limits.largest_usual_part_bytes)
    return PartPlan(size_bytes=size_bytes, part_size_bytes=max(usual, _whole_mib(size_bytes, limits.most_parts)))


def _whole_mib(size_bytes: int, parts: int) -> int:
    share = -(-size_bytes // parts)
    return -(-share // MIB) * MIB
