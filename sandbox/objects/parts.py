"""What S3 demands of the parts of an upload, and the ETag it makes of them."""

import hashlib
from collections.abc import Iterable
from itertools import pairwise

from sandbox.objects import refusals
from sandbox.objects.records import MOST_PARTS, SMALLEST_PART_BYTES, Part, Upload
from sandbox.objects.refusals import S3Refusal


def check_part_number(number: int) -> None:
    """Refuse with InvalidArgument a part number that S3 does not know."""
    if not 1 <= number <= MOST_PARTS:
        raise refusals.invalid_argument("Part number must be an integer between 1 and 10000, inclusive")


def multipart_etag(part_digests: Iterable[str]) -> str:
    """The ETag S3 gives an object of several parts: the MD5 of the parts' MD5s, a dash, their number."""
    digests = list(part_digests)
    joined = b"".join(bytes.fromhex(digest) for digest in digests)
    return f"{hashlib.md5(joined, usedforsecurity=False).hexdigest()}-{len(digests)}"


def chosen_parts(upload: Upload, listed: list[tuple[int, str]]) -> list[Part]:
    """The parts that a completion lists as (number, ETag); refuses the lists that S3 refuses."""
    if not listed:
        raise S3Refusal("MalformedXML", "You must specify at least one part", 400)
    numbers = [number for number, _ in listed]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise S3Refusal("InvalidPartOrder", "The list of parts was not in ascending order of part number.", 400)
    chosen = []
    for number, etag in listed:
        part = upload.parts.get(number)
        if part is None or part.etag != etag:
            raise S3Refusal(
                "InvalidPart", f"Part {number} could not be found, or its entity tag is not the one given.", 400
            )
        chosen.append(part)
    if any(part.content.size < SMALLEST_PART_BYTES for part in chosen[:-1]):
        raise S3Refusal("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", 400)
    return chosen
