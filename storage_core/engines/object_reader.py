"""Reads stored objects for proofs (docs/proof.md): to their end, hashing them, or no more than their ETag."""

import random
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from storage_core.engines.part_troubles import S3_PATIENCE
from storage_core.errors import Forbidden, NotFound, RestError, ServerFault
from storage_core.model.handles import Association, HandleAnswer, HandleRefusal
from storage_core.plan.retrying import backoff_seconds
from storage_core.ports.clock import Clock
from storage_core.synapse.presigned import HashedObject, S3Refused, S3Trouble

_MOST_READS = 4
_MOST_LOOKS = 3
_CALL = "GET the object of file handle"


class HandlesWithUrls(Protocol):
    """Hands out presigned addresses; `ports.catalog.Catalog` does."""

    async def handles(
        self, associations: Sequence[Association], *, with_urls: bool = False
    ) -> tuple[HandleAnswer, ...]:
        """Handles in request order, with addresses that live 30 seconds (contract 7.3)."""
        ...


class ObjectHasher(Protocol):
    """Reads an address to its end; `synapse.presigned.PresignedSender` does."""

    async def stream_md5(self, url: str) -> HashedObject | S3Refused:
        """Hash the object in bounded memory."""
        ...

    async def etag_of(self, url: str) -> str | S3Refused:
        """The object's ETag, unquoted."""
        ...


class PresignedObjectReader:
    """Implements `ports.copying.ObjectReader` through presigned addresses; needs only the right to download."""

    def __init__(
        self,
        catalog: HandlesWithUrls,
        hasher: ObjectHasher,
        *,
        clock: Clock,
        s3_slots: AbstractAsyncContextManager[object],
        chance: random.Random | None = None,
    ) -> None:
        """Borrow everything; *s3_slots* is entered around each reading and limits how many there are at once."""
        self._catalog = catalog
        self._hasher = hasher
        self._clock = clock
        self._slots = s3_slots
        self._chance = chance or random.Random()  # noqa: S311 - spreads waits

    async def md5_of(self, association: Association) -> str:
        """Hash the whole object behind a handle; lower-case hex. One Synapse call per try, and the bytes.

        A refused address is replaced once, an interrupted reading begun again; at most four readings.

        Raises:
            NotFound: no such handle, or no object behind it.
            Forbidden: not downloadable by the caller, or S3 refuses a fresh address.
            ServerFault: S3 did not deliver the object in spite of patience.
        """
        met: list[S3Refused] = []
        while True:  # each refusal either raises or is counted in `met`
            # the slot first: the address would run out while it waited for one
            async with self._slots:
                answer = await self._hasher.stream_md5(await self._address(association))
            if isinstance(answer, HashedObject):
                return answer.md5
            met.append(answer)
            error = _error_after(met, association)
            if error is not None:
                raise error
            if answer.trouble is not S3Trouble.EXPIRED:
                wait = backoff_seconds(len(met) - 1, jitter=self._chance.random(), patience=S3_PATIENCE)
                await self._clock.sleep(wait)

    async def etag_at(self, url: str) -> str | None:
        """The ETag behind a fresh address, unquoted; None when S3 does not tell it. At most three requests to S3."""
        for attempt in range(_MOST_LOOKS):
            async with self._slots:
                answer = await self._hasher.etag_of(url)
            if isinstance(answer, str):
                return answer or None
            if answer.trouble is not S3Trouble.BUSY:
                return None
            await self._clock.sleep(backoff_seconds(attempt, jitter=self._chance.random(), patience=S3_PATIENCE))
        return None

    async def _address(self, association: Association) -> str:
        (answer,) = await self._catalog.handles([association], with_urls=True)
        if answer.presigned_url is not None:
            return answer.presigned_url
        call = f"POST /fileHandle/batch for {association.handle_id}"
        if answer.refusal is HandleRefusal.NOT_FOUND:
            raise NotFound(call=call, status=404, reason="There is no such file handle.")
        raise Forbidden(call=call, status=403, reason="You may not download it, or it has no address.")


def _error_after(met: Sequence[S3Refused], association: Association) -> RestError | None:
    """The error that S3's refusals so far come to; None while another reading makes sense."""
    last = met[-1]
    call = f"{_CALL} {association.handle_id}"
    expired = sum(refused.trouble is S3Trouble.EXPIRED for refused in met)
    if last.trouble is S3Trouble.NO_SUCH_OBJECT:
        return NotFound(call=call, status=404, reason=last.detail)
    if last.trouble is S3Trouble.REFUSED or (last.trouble is S3Trouble.EXPIRED and expired > 1):
        return Forbidden(call=call, status=403, reason=last.detail)
    if len(met) >= _MOST_READS:
        return ServerFault(call=call, status=503, reason=last.detail)
    return None
