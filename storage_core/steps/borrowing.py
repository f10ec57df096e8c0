"""Temporary credentials, asked for once and shared as long as they live. In memory only."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import timedelta

from storage_core.errors import BadRequest, UsageError
from storage_core.model.credentials import StsPermission, StsToken
from storage_core.model.ids import EntityId
from storage_core.ports.clock import Clock

Fetch = Callable[[EntityId, StsPermission], Awaitable[StsToken]]
ENOUGH_LIFE = timedelta(minutes=10)
_MOST_KEPT = 5000

_Key = tuple[EntityId, StsPermission]


class TokenCache:
    """One token per entity and permission, with one request for however many wait for it.

    Lives on the network loop; callers on other threads and loops hand their question to that loop. A token lives one
    hour on today's service, so what is asked to remain must be less for a token ever to be used twice.
    """

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._tokens: OrderedDict[_Key, StsToken] = OrderedDict()
        self._coming: dict[_Key, asyncio.Task[StsToken]] = {}

    async def token(
        self, entity_id: EntityId, permission: StsPermission, *, at_least: timedelta = ENOUGH_LIFE
    ) -> StsToken:
        """A token with *at_least* that much life left; a fresh one where the kept one has less. At most one call.

        A fresh token is returned however long it lives.

        Raises:
            UsageError: the entity is in no STS-enabled folder, or the permission is not given there.
        """
        key = (entity_id, permission)
        kept = self._tokens.get(key)
        if kept is not None and kept.life_left(self._clock.now()) >= at_least:
            return kept
        coming = self._coming.get(key)
        if coming is None:
            coming = asyncio.create_task(self._ask(key))
            self._coming[key] = coming
            coming.add_done_callback(lambda done: self._settled(key, done))
        # shielded: the others still wait when one of them gives up
        return await asyncio.shield(coming)

    def forget(self, entity_id: EntityId) -> None:
        """Drop what is kept for an entity, as when its setting has changed."""
        for permission in StsPermission:
            self._tokens.pop((entity_id, permission), None)

    async def _ask(self, key: _Key) -> StsToken:
        try:
            token = await self._fetch(*key)
        except BadRequest as error:
            raise UsageError(
                f"Synapse gives no {key[1].value} credentials for {key[0]}: {error.reason}.",
                fix="They exist below folders with an STS-enabled storage location; in Synapse's own storage for"
                " reading only. `synapse-storage setting resolve` shows the location.",
            ) from error
        self._tokens[key] = token
        self._tokens.move_to_end(key)
        self._drop_useless()
        return token

    def _settled(self, key: _Key, done: asyncio.Task[StsToken]) -> None:
        self._coming.pop(key, None)
        if not done.cancelled():
            done.exception()  # seen, even when nobody waits any more

    def _drop_useless(self) -> None:
        now = self._clock.now()
        for key in [key for key, token in self._tokens.items() if token.life_left(now) <= timedelta(0)]:
            del self._tokens[key]
        while len(self._tokens) > _MOST_KEPT:
            self._tokens.popitem(last=False)
