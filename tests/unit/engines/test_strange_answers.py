"""Something between us and S3 answers in its place: no copy is taken for made, and the request is sent again."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from sandbox.faults import FaultKind, FaultRule
from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from storage_core.aws.objects import Look, ObjectName, S3Objects
from storage_core.aws.refusals import ObjectRefused, ObjectTrouble
from storage_core.model.copies import PartRange

PAGE = "<html><body>Sign in</body></html>"
SOURCE, TARGET = ObjectName(bucket="b", key="from"), ObjectName(bucket="b", key="to")
LOOK = Look(content_type="text/plain", disposition=None)
Request = Callable[[S3Objects, str], Coroutine[Any, Any, object]]


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with running_sandbox(SandboxOptions(wait_scale=0)) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        running.world.objects.create_bucket("b")
        running.world.objects.put("b", "from", b"0123456789")
        yield running


async def in_one_piece(objects: S3Objects, etag: str) -> object:
    return await objects.copy(SOURCE, TARGET, etag=etag, look=LOOK, algorithm=None)


async def as_a_part(objects: S3Objects, etag: str) -> object:
    upload = await objects.begin(TARGET, look=LOOK, algorithm=None)
    return await objects.copy_part(upload, SOURCE, PartRange(number=1, first_byte=0, last_byte=9), etag=etag)


@pytest.mark.parametrize(("request_of", "path"), [(in_one_piece, "/b/to$|x-id=CopyObject"), (as_a_part, "partNumber=")])
def test_a_page_instead_of_an_etag_is_no_copy(sandbox: Sandbox, request_of: Request, path: str) -> None:
    """A page that parses as XML says nothing of an ETag; an empty one would make S3 refuse the whole in the end."""
    page = FaultRule(kind=FaultKind.STATUS_AFTER, status=200, body=PAGE, content_type="text/html", path=path)
    sandbox.faults.add(page)
    etag = sandbox.world.objects.head("b", "from").etag

    async def ask() -> None:
        objects = S3Objects(slots=asyncio.Semaphore(1), most_at_once=1, connect_seconds=5, read_seconds=60)
        try:
            with pytest.raises(ObjectRefused) as refused:
                await request_of(objects, etag)
            assert ObjectTrouble.BUSY is refused.value.trouble
            assert await request_of(objects, etag)
        finally:
            objects.close()

    asyncio.run(ask())
