"""engines/object_reader.py: the address is fetched right before use, and no reading is tried for ever."""

import asyncio

import pytest

from storage_core.engines.object_reader import PresignedObjectReader
from storage_core.errors import Forbidden, NotFound, ServerFault
from storage_core.model.handles import Association, AssociationKind, HandleAnswer, HandleRefusal
from storage_core.model.ids import EntityId, FileHandleId
from storage_core.synapse.presigned import HashedObject, S3Refused, S3Trouble
from storage_core.testing.fake_clock import FakeClock

WANTED = Association(handle_id=FileHandleId("5"), object_id=EntityId("syn1"), kind=AssociationKind.FILE)
HASHED = HashedObject(md5="0" * 32, size_bytes=7)


class FakeBucket:
    """Hands out numbered addresses and answers readings of them from a list."""

    def __init__(self, *answers, refusal: HandleRefusal | None = None) -> None:
        self.answers = list(answers)
        self.refusal = refusal
        self.read: list[str] = []
        self.addresses = 0

    async def handles(self, associations, *, with_urls=False):
        assert with_urls
        self.addresses += 1
        url = None if self.refusal else f"https://s3.invalid/{self.addresses}"
        return tuple(
            HandleAnswer(handle_id=one.handle_id, refusal=self.refusal, presigned_url=url) for one in associations
        )

    async def stream_md5(self, url):
        self.read.append(url)
        return self.answers.pop(0)

    async def etag_of(self, url):
        return await self.stream_md5(url)


def refused(trouble: S3Trouble) -> S3Refused:
    return S3Refused(trouble=trouble, detail="S3's words")


def read(bucket: FakeBucket) -> str:
    async def run():
        reader = PresignedObjectReader(bucket, bucket, clock=FakeClock(), s3_slots=asyncio.Semaphore(1))
        return await reader.md5_of(WANTED)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("answers", "etag", "looks"),
    [
        (["abc-1"], "abc-1", 1),
        ([""], None, 1),
        ([refused(S3Trouble.BUSY), "abc"], "abc", 2),
        ([refused(S3Trouble.BUSY)] * 9, None, 3),
        ([refused(S3Trouble.EXPIRED)] * 9, None, 1),
    ],
)
def test_an_etag_is_looked_up_without_a_call_and_not_for_ever(answers, etag, looks):
    bucket = FakeBucket(*answers)
    reader = PresignedObjectReader(bucket, bucket, clock=FakeClock(), s3_slots=asyncio.Semaphore(1))

    assert etag == asyncio.run(reader.etag_at("https://s3.invalid/a"))
    assert looks == len(bucket.read)
    assert 0 == bucket.addresses


def test_one_call_gives_the_address_and_one_reading_the_hash():
    bucket = FakeBucket(HASHED)

    assert "0" * 32 == read(bucket)
    assert 1 == bucket.addresses


def test_every_reading_gets_a_fresh_address():
    bucket = FakeBucket(refused(S3Trouble.EXPIRED), refused(S3Trouble.BUSY), HASHED)

    read(bucket)

    assert ["https://s3.invalid/1", "https://s3.invalid/2", "https://s3.invalid/3"] == bucket.read


@pytest.mark.parametrize(
    ("answers", "error", "readings"),
    [
        ([refused(S3Trouble.EXPIRED)] * 9, Forbidden, 2),
        ([refused(S3Trouble.REFUSED)] * 9, Forbidden, 1),
        ([refused(S3Trouble.NO_SUCH_OBJECT)] * 9, NotFound, 1),
        ([refused(S3Trouble.BUSY)] * 9, ServerFault, 4),
        ([refused(S3Trouble.MALFORMED)] * 9, ServerFault, 4),
    ],
)
def test_readings_end_in_an_error_that_says_why(answers, error, readings):
    bucket = FakeBucket(*answers)

    with pytest.raises(error, match="S3's words"):
        read(bucket)
    assert readings == len(bucket.read)


@pytest.mark.parametrize(
    ("refusal", "error"), [(HandleRefusal.NOT_FOUND, NotFound), (HandleRefusal.UNAUTHORIZED, Forbidden)]
)
def test_a_handle_without_address_is_not_read(refusal, error):
    bucket = FakeBucket(refusal=refusal)

    with pytest.raises(error):
        read(bucket)
    assert [] == bucket.read
