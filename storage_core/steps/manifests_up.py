"""Makes Synapse hold what a manifest lists: each file in its place, with its annotations and provenance."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace

from storage_core.errors import UsageError
from storage_core.model.manifests import ManifestEntry
from storage_core.model.transfers import Content, Uploaded, UploadOrder
from storage_core.model.trees import TransferFailure, UsedEntity
from storage_core.plan.manifest_order import files_used
from storage_core.plan.provenance import with_uploaded
from storage_core.steps.manifest_checking import ManifestChecking
from storage_core.steps.referring import Referring
from storage_core.steps.side_by_side import Mover, or_failure, side_by_side
from storage_core.steps.uploading import Uploader

_Waiting = Mapping[str, "asyncio.Future[UsedEntity | None]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestUploader:
    """Uploads manifests. Lives on the network loop.

    Attributes:
        mover: begins files in the order they come: a file waits in its place for those that it was made from.
    """

    checking: ManifestChecking
    uploader: Uploader
    referring: Referring
    mover: Mover = side_by_side

    async def upload_manifest(self, path: str, order: UploadOrder) -> list[Uploaded | TransferFailure]:
        """Check the whole manifest, then upload its files side by side, what others were made from before them.

        *order* says for all files what lines do not say; its path, name and metadata count for nothing. What is in
        Synapse already as it is wanted costs one call or two, and nothing is written.

        Raises:
            ManifestUnusable, UsageError: see `ManifestChecking.checked`; nothing was uploaded.
            AccessError, ServiceUnavailable: see `ports`.
        """
        read = await self.checking.checked(path, parent_id=order.parent_id, location_id=order.location_id)
        loop = asyncio.get_running_loop()
        waited_for = {used for entry in read.entries for used in files_used(entry)}
        waiting = {used: loop.create_future() for used in waited_for}

        async def entries() -> AsyncIterator[ManifestEntry]:
            for entry in read.entries:
                yield entry

        async def move(entry: ManifestEntry) -> Uploaded | TransferFailure:
            known: UsedEntity | None = None
            try:
                done = await or_failure(self._moved(entry, order, waiting), entry.path, entity_id=entry.entity_id)
                if isinstance(done, Uploaded):
                    known = UsedEntity(entity_id=done.entity_id, version=done.version)
                return done
            finally:
                if entry.path in waiting and not waiting[entry.path].done():
                    waiting[entry.path].set_result(known)

        try:
            return await self.mover(entries(), move)
        finally:
            # when the whole ends early, a file of another batch may wait for one that was never begun
            for never in waiting.values():
                never.cancel()

    async def _moved(self, entry: ManifestEntry, order: UploadOrder, waiting: _Waiting) -> Uploaded:
        uploaded: dict[str, UsedEntity] = {}
        for used in files_used(entry):
            found = await waiting[used]
            if found is None:
                raise UsageError(
                    f"{entry.path} was made from {used}, which could not be uploaded.", fix="See to that file first."
                )
            uploaded[used] = found
        provenance = entry.metadata.provenance
        known = None if provenance is None else with_uploaded(provenance, uploaded)
        wanted = replace(
            order,
            path=entry.path,
            content=entry.content,
            parent_id=entry.parent_id,
            entity_id=entry.entity_id,
            name=None if entry.entity_id is not None else entry.name,
            content_type=entry.content_type or order.content_type,
            metadata=replace(entry.metadata, provenance=known),
            is_metadata_versioned=entry.is_metadata_versioned,
        )
        return await (self.uploader.upload(wanted) if entry.content is Content.BYTES else self.referring.refer(wanted))
