"""aws/objects.py, which the engine `s3` stands on, asked of our own S3 and of a real one."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from storage_core.aws.objects import Look, ObjectName, S3Objects
from storage_core.aws.refusals import ObjectRefused, ObjectTrouble
from storage_core.engines.patient_objects import PatientObjects
from storage_core.engines.s3_parts import ObjectCopier, ObjectCopy
from storage_core.model.copies import PartPlan, PartRange
from storage_core.testing.fake_clock import FakeClock
from tests.conformance.s3_servers import REGION, Server, ServerMissingError, sandbox_server, seaweedfs_server

pytestmark = pytest.mark.anyio
MIB = 1024**2
LOOK = Look(content_type="text/csv", disposition="attachment; filename=\"a.csv\"; filename*=utf-8''a.csv")
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module", params=["sandbox", pytest.param("seaweedfs", marks=pytest.mark.real_s3)])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if request.param == "sandbox":
        with sandbox_server() as running:
            yield running
        return
    try:
        with seaweedfs_server(tmp_path_factory.mktemp("weed")) as running:
            yield running
    except ServerMissingError as reason:
        pytest.skip(f"NO REAL S3 WAS ASKED: {reason}")


@dataclass(frozen=True)
class Own:
    """A user's objects, and the same seen by the tests."""

    objects: S3Objects
    client: Any
    source: ObjectName
    target: ObjectName

    def put(self, body: bytes, **more: Any) -> None:
        self.client.put_object(Bucket=self.source.bucket, Key=self.source.key, Body=body, **more)

    def made(self) -> bytes:
        return self.client.get_object(Bucket=self.target.bucket, Key=self.target.key)["Body"].read()

    async def copy(self, *, part_size_bytes: int, begun_before: bool = False) -> None:
        """As the engine does."""
        facts = await self.objects.head(self.source)
        plan = PartPlan(size_bytes=facts.size_bytes, part_size_bytes=part_size_bytes)
        copier = ObjectCopier(self.objects, PatientObjects(FakeClock()))
        await copier.copy(
            ObjectCopy(
                source=self.source, target=self.target, facts=facts, look=LOOK, parts=plan, begun_before=begun_before
            )
        )


@pytest.fixture
def own(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Own]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.owner.access)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.owner.secret)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    number, client = next(_NUMBERS), server.client()
    keys = (("from", "a b.csv"), ("to", "x/ü.csv"))
    names = [ObjectName(bucket=f"own-{side}-{number}", key=key) for side, key in keys]
    for name in names:
        client.create_bucket(Bucket=name.bucket)
    objects = S3Objects(slots=asyncio.Semaphore(8), most_at_once=8, connect_seconds=5, read_seconds=60)
    yield Own(objects=objects, client=client, source=names[0], target=names[1])
    objects.close()
    client.close()


async def test_an_object_is_copied_in_one_piece_with_its_look(own: Own) -> None:
    own.put(b"one,two\n", ContentType="text/plain", Metadata={"lab": "7"})

    await own.copy(part_size_bytes=5 * MIB)

    assert b"one,two\n" == own.made()
    shown = own.client.head_object(Bucket=own.target.bucket, Key=own.target.key)
    assert ("text/csv", LOOK.disposition, {}) == (shown["ContentType"], shown["ContentDisposition"], shown["Metadata"])


async def test_an_object_is_copied_in_parts_side_by_side(own: Own) -> None:
    body = bytes(range(256)) * 4096 * 12
    own.put(body)

    await own.copy(part_size_bytes=5 * MIB)

    assert body == own.made()
    assert () == await own.objects.uploads(own.target)


async def test_a_broken_off_upload_is_gone_on_with_and_older_ones_are_aborted(own: Own) -> None:
    body = bytes(range(256)) * 4096 * 12
    own.put(body)
    facts = await own.objects.head(own.source)
    for parts in (0, 1):
        upload = await own.objects.begin(own.target, look=LOOK, algorithm=None)
        if parts:
            first = PartRange(number=1, first_byte=0, last_byte=5 * MIB - 1)
            await own.objects.copy_part(upload, own.source, first, etag=facts.etag)
            assert [(1, 5 * MIB)] == [(one.number, one.size_bytes) for one in await own.objects.parts(upload)]

    await own.copy(part_size_bytes=5 * MIB, begun_before=True)

    assert body == own.made()
    assert () == await own.objects.uploads(own.target)


async def test_a_source_that_is_another_is_not_copied(own: Own) -> None:
    own.put(b"one")
    with pytest.raises(ObjectRefused) as refused:
        await own.objects.copy(own.source, own.target, etag="0" * 32, look=LOOK, algorithm=None)
    assert ObjectTrouble.CHANGED is refused.value.trouble


async def test_what_is_not_there_and_what_is_not_allowed_are_told_apart(
    own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ObjectRefused) as gone:
        await own.objects.head(own.source)
    assert ObjectTrouble.GONE is gone.value.trouble
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    stranger = S3Objects(slots=asyncio.Semaphore(1), most_at_once=1, connect_seconds=5, read_seconds=60)
    own.put(b"one")
    with pytest.raises(ObjectRefused) as denied:
        await stranger.head(own.source)
    assert ObjectTrouble.DENIED is denied.value.trouble
    assert "wrong" not in denied.value.detail
    stranger.close()


async def test_a_server_that_is_not_there_is_a_passing_trouble(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    lost = S3Objects(slots=asyncio.Semaphore(1), most_at_once=1, connect_seconds=1, read_seconds=1)
    with pytest.raises(ObjectRefused) as refused:
        await lost.head(own.source)
    assert ObjectTrouble.BUSY is refused.value.trouble
    lost.close()


async def test_deleting_twice_is_harmless(own: Own) -> None:
    own.put(b"one")
    await own.objects.delete(own.source)
    await own.objects.delete(own.source)
    with pytest.raises(ObjectRefused):
        await own.objects.head(own.source)
