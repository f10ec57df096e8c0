"""Tokens are asked for once, shared while they live, and renewed in time."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from storage_core.errors import BadRequest, ServiceUnavailable, UsageError
from storage_core.model.credentials import StsPermission, StsToken
from storage_core.model.ids import EntityId
from storage_core.model.secret import Secret
from storage_core.steps.borrowing import TokenCache

READ, WRITE = StsPermission.READ_ONLY, StsPermission.READ_WRITE
SYN1, SYN2 = EntityId("syn1"), EntityId("syn2")


class Watch:
    def __init__(self):
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self):
        return self.moment

    async def sleep(self, seconds):
        self.moment += timedelta(seconds=seconds)


class Service:
    """Gives tokens that live one hour, as today's service does; knows how often it was asked."""

    def __init__(self, watch, *, life=timedelta(hours=1)):
        self.watch, self.life = watch, life
        self.asked = []
        self.error = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def token(self, entity_id, permission):
        self.asked.append((entity_id, permission))
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        moment = self.watch.now() + self.life
        number = len(self.asked)
        return StsToken(
            bucket="lab",
            base_key=None,
            access_key_id=f"ASIA{number}",
            secret_access_key=Secret("x"),
            session_token=Secret("y"),
            expiration=moment,
            expiration_text=moment.isoformat(),
        )


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def service(watch):
    return Service(watch)


@pytest.fixture
def cache(service, watch):
    return TokenCache(service.token, watch)


def test_a_token_is_used_as_long_as_enough_of_its_life_is_left(cache, service, watch):
    async def use():
        keys = []
        for minutes in (0, 30, 19, 2):
            watch.moment += timedelta(minutes=minutes)
            keys.append((await cache.token(SYN1, READ)).access_key_id)
        return keys

    assert ["ASIA1", "ASIA1", "ASIA1", "ASIA2"] == asyncio.run(use())


def test_each_entity_and_permission_has_its_own(cache, service):
    async def use():
        for _ in range(2):
            for entity in (SYN1, SYN2):
                for permission in (READ, WRITE):
                    await cache.token(entity, permission)

    asyncio.run(use())

    assert [(SYN1, READ), (SYN1, WRITE), (SYN2, READ), (SYN2, WRITE)] == service.asked


def test_many_who_wait_share_one_request(cache, service):
    async def use():
        service.gate.clear()
        waiting = [asyncio.create_task(cache.token(SYN1, READ)) for _ in range(50)]
        await asyncio.sleep(0)
        service.gate.set()
        return {(await one).access_key_id for one in waiting}

    assert ({"ASIA1"}, 1) == (asyncio.run(use()), len(service.asked))


def test_one_who_gives_up_takes_nobody_along(cache, service):
    async def use():
        service.gate.clear()
        impatient, patient = (asyncio.create_task(cache.token(SYN1, READ)) for _ in range(2))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.sleep(0)
        service.gate.set()
        return (await patient).access_key_id, impatient.cancelled()

    assert ("ASIA1", True) == asyncio.run(use())


def test_a_failure_reaches_all_who_wait_and_is_not_kept(cache, service):
    async def use():
        service.error = ServiceUnavailable("down", fix="wait")
        failed = await asyncio.gather(*(cache.token(SYN1, READ) for _ in range(3)), return_exceptions=True)
        service.error = None
        return failed, (await cache.token(SYN1, READ)).access_key_id

    failed, key = asyncio.run(use())
    assert [ServiceUnavailable] * 3 == [type(one) for one in failed]
    assert ("ASIA2", 2) == (key, len(service.asked))


def test_more_life_than_any_token_has_gives_a_fresh_one_each_time(cache, service):
    async def use():
        return [(await cache.token(SYN1, READ, at_least=timedelta(hours=2))).access_key_id for _ in range(2)]

    assert ["ASIA1", "ASIA2"] == asyncio.run(use())


def test_dead_tokens_are_dropped(cache, watch):
    async def use():
        await cache.token(SYN1, READ)
        watch.moment += timedelta(hours=2)
        await cache.token(SYN2, READ)

    asyncio.run(use())
    assert [(SYN2, READ)] == list(cache._tokens)


def test_no_credentials_is_said_with_what_to_do(cache, service):
    service.error = BadRequest(call="GET /entity/#/sts", status=400, reason="not STS")

    with pytest.raises(UsageError, match="no read_write credentials for syn1: not STS"):
        asyncio.run(cache.token(SYN1, WRITE))
