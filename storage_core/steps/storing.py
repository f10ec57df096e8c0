"""Gets bytes to their place and a file handle for them. Safe to repeat: it leaves one object, not two."""

from dataclasses import dataclass, replace

from storage_core.errors import TransferBroken
from storage_core.model.ids import FileHandleId
from storage_core.model.transfers import ContentFacts, MadeHandle, Stored, Upload, UploadPurpose
from storage_core.plan.retrying import Patience, backoff_seconds
from storage_core.ports.clock import Clock
from storage_core.ports.transfers import ByteStore, Registrar, Tickets, TransferWatch

MOST_TRIES = 6
PATIENCE = Patience(first_wait_seconds=1.0, longest_wait_seconds=30.0)
"""Waits between tries: about a minute in all; the adapters and the transport have been patient before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storing:
    """Stores files; one for all of a run."""

    registrar: Registrar
    tickets: Tickets
    clock: Clock
    watch: TransferWatch

    async def store(self, upload: Upload, store: ByteStore, purpose: UploadPurpose) -> FileHandleId:
        """Put the bytes, make a handle where Synapse has not. Call `settled` once something refers to the handle.

        Raises:
            TransferFailed, SourceChanged, AccessError, UsageError, RestError: see `ports.transfers`.
        """
        if store.limits.needs_tickets:
            ticket = self.tickets.ticket(purpose, upload.destination)
            upload = replace(upload, ticket=ticket.text, destination=ticket.destination)
        self.watch.began(upload.file.path, upload.file.size_bytes)
        try:
            stored = await self._put(upload, store)
        finally:
            self.watch.ended(upload.file.path)
        if isinstance(stored, MadeHandle):
            return stored.handle_id
        facts = ContentFacts(
            file_name=upload.file_name,
            content_type=upload.content_type,
            size_bytes=upload.file.size_bytes,
            md5=upload.file.md5,
        )
        return (await self.registrar.register(stored, facts)).id

    def settled(self, store: ByteStore, purpose: UploadPurpose) -> None:
        """Forget that it was begun."""
        if store.limits.needs_tickets:
            self.tickets.settled(purpose)

    async def _put(self, upload: Upload, store: ByteStore) -> Stored:
        tried = 0
        while True:
            gone = _Gone()
            try:
                return await store.put(upload, lambda count, gone=gone: self._tell(upload, gone, count))  # type: ignore[misc]
            except TransferBroken:
                self.watch.moved(upload.file.path, -gone.bytes)
                tried += 1
                if tried == MOST_TRIES:
                    raise
            await self.clock.sleep(backoff_seconds(tried - 1, jitter=0.5, patience=PATIENCE))

    def _tell(self, upload: Upload, gone: "_Gone", count: int) -> None:
        gone.bytes += count
        self.watch.moved(upload.file.path, count)


@dataclass(slots=True)
class _Gone:
    """What one try has moved: the next one tells of it anew."""

    bytes: int = 0
