"""Presigned addresses of stored bytes: asked for together, used while they live (contract 7.3)."""

import asyncio
from datetime import datetime, timedelta

from storage_core.errors import Forbidden, NotFound, RestError, SynapseStorageError
from storage_core.model.handles import Association, HandleAnswer, HandleRefusal
from storage_core.model.ids import FileHandleId
from storage_core.model.transfers import Readable
from storage_core.ports.catalog import Catalog
from storage_core.ports.clock import Clock

_GOOD_FOR = timedelta(seconds=15)
"""Addresses live 30 seconds; the rest is for the request to arrive."""
_MOST_AT_ONCE = 100
_MOST_KEPT = 1000


class PresignedAddresses:
    """Hands out addresses. While one call is under way, whoever comes waits for the next, which asks for all of them.

    So many small files cost a fraction of a call each, and the parts of a large one share an address.
    """

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._known: dict[FileHandleId, tuple[str, datetime]] = {}
        self._waiting: dict[Association, asyncio.Future[str]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def of(self, readable: Readable) -> str:
        """An address to be used at once.

        Raises:
            NotFound: there is no such file handle.
            Forbidden: the caller may not download it through this association.
            RestError, AccessError, ServiceUnavailable: see `ports`.
        """
        known = self._known.get(readable.handle.id)
        if known is not None and self._clock.now() < known[1]:
            return known[0]
        waiting = self._waiting.get(readable.association)
        if waiting is None:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting[readable.association] = waiting
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        # shielded: the others still wait when one of them gives up
        return await asyncio.shield(waiting)

    def forget(self, readable: Readable) -> None:
        """Ask anew at the next reading: this address was refused."""
        self._known.pop(readable.handle.id, None)

    async def _ask(self) -> None:
        try:
            while self._waiting:
                # whoever is about to come gets a place in this call
                await asyncio.sleep(0)
                asked = dict(list(self._waiting.items())[:_MOST_AT_ONCE])
                for association in asked:
                    del self._waiting[association]
                await self._answer(asked)
        finally:
            self._asking = None
            for left in self._waiting.values():
                left.cancel()
            self._waiting.clear()

    async def _answer(self, asked: dict[Association, asyncio.Future[str]]) -> None:
        try:
            answers = await self._catalog.handles(list(asked), with_urls=True)
        except SynapseStorageError as error:
            for waiting in asked.values():
                _fail(waiting, error)
            return
        until = self._clock.now() + _GOOD_FOR
        for (association, waiting), answer in zip(asked.items(), answers, strict=True):
            if answer.presigned_url is None:
                _fail(waiting, _refusal(association, answer))
                continue
            self._keep(association.handle_id, answer.presigned_url, until)
            if not waiting.done():
                waiting.set_result(answer.presigned_url)

    def _keep(self, handle_id: FileHandleId, url: str, until: datetime) -> None:
        if len(self._known) >= _MOST_KEPT:
            now = self._clock.now()
            self._known = {one: known for one, known in self._known.items() if now < known[1]}
        self._known[handle_id] = (url, until)


def _fail(waiting: asyncio.Future[str], error: SynapseStorageError) -> None:
    if not waiting.done():
        waiting.set_exception(error)
        waiting.exception()  # seen, even when nobody waits any more


def _refusal(association: Association, answer: HandleAnswer) -> RestError:
    call = f"POST /fileHandle/batch for {association.handle_id}"
    if answer.refusal is HandleRefusal.NOT_FOUND:
        return NotFound(call=call, status=404, reason="There is no such file handle.")
    return Forbidden(
        call=call,
        status=403,
        reason=f"You may not download it through {association.object_id}.",
        fix="Ask for the permission to download, and see whether conditions for use have to be accepted.",
    )
