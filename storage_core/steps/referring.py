"""Files whose content does not travel: addresses that Synapse refers to, and entities that keep what they have."""

from dataclasses import dataclass, replace

from storage_core.errors import UsageError
from storage_core.model.ids import DEFAULT_STORAGE_LOCATION, EntityId, FileHandleId
from storage_core.model.transfers import Content, RegisterOrder, Uploaded, UploadOrder, UploadResult
from storage_core.ports.transfers import Files
from storage_core.steps.annotating import apply_metadata
from storage_core.steps.placing import read_details
from storage_core.steps.registering import Registering


@dataclass(frozen=True, slots=True, kw_only=True)
class Referring:
    """Does orders without bytes; one for all of a run. Lives on the network loop."""

    files: Files
    registering: Registering

    async def refer(self, order: UploadOrder) -> Uploaded:
        """Make Synapse refer to the address, or leave the content; then see to annotations and provenance.

        Raises:
            UsageError: no such file, or a name Synapse refuses.
            RestError, AccessError, ServiceUnavailable: see `ports`.
        """
        if order.content is Content.ADDRESS:
            return await self._address(order)
        if order.entity_id is None:
            raise UsageError(f"It is not said which file of Synapse {order.path} is.", fix="Give its id.")
        return await self._annotated(order, order.entity_id, UploadResult.UNCHANGED)

    async def _address(self, order: UploadOrder) -> Uploaded:
        registered = await self.registering.register(
            RegisterOrder(
                what=order.path,
                entity_id=order.entity_id or order.parent_id,
                name=order.name,
                content_type=order.content_type,
            )
        )
        if registered.entity_id is None:
            raise UsageError("It is not said where the address goes.", fix="Give a project, a folder or a file.")
        if registered.result is UploadResult.UNCHANGED:
            return await self._annotated(order, registered.entity_id, registered.result)
        # on top of what was just made: it is no version of its own once more
        return await self._annotated(
            replace(order, is_metadata_versioned=False), registered.entity_id, registered.result
        )

    async def _annotated(self, order: UploadOrder, entity_id: EntityId, result: UploadResult) -> Uploaded:
        details = await read_details(entity_id, self.files)
        newest, changed = await apply_metadata(details, order, self.files)
        snapshot = newest.snapshot
        handle = snapshot.handle
        return Uploaded(
            path=order.path,
            entity_id=snapshot.entity_id,
            name=snapshot.name,
            version=snapshot.version,
            handle_id=FileHandleId(snapshot.handle_id or ""),
            location_id=DEFAULT_STORAGE_LOCATION if handle is None else handle.storage_location_id,
            size_bytes=0,
            md5=None if handle is None else handle.md5,
            result=changed if result is UploadResult.UNCHANGED else result,
        )
