"""File entities and file handles that transfers make (contract 6.5, 6.7, 7.6, 7.7)."""

from collections.abc import Sequence
from urllib.parse import quote

from storage_core.model.entities import EntityHeader
from storage_core.model.handles import FileHandle
from storage_core.model.ids import ActivityId, EntityId
from storage_core.model.transfers import ContentFacts, FileChange, FileState, NewFile, Registrable
from storage_core.model.trees import Annotation, FileDetails, Provenance, UsedEntity
from storage_core.synapse import wire_details, wire_entities, wire_files, wire_handles
from storage_core.synapse.calls import Base, RestCall, Shape
from storage_core.synapse.transport import Transport
from storage_core.synapse.wire_fields import Fields


class FileEntities:
    """One method, one call."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def details(self, *, entity_id: EntityId) -> FileDetails:
        """The newest version with its handle, annotations and provenance (contract 6.4). Repeat-safe: it reads."""
        path = f"/entity/{quote(entity_id, safe='')}/bundle2"
        call = RestCall(method="POST", path=path, body=wire_details.details_request(), repeat_safe=True)
        return wire_details.read_details(await self._transport.send(call))

    async def create(self, *, new: NewFile) -> FileState:
        """Make a file entity. Conflict when its name is taken.

        Not repeat-safe: a repeat of one that worked is a Conflict; look for the name to see.
        """
        call = RestCall(
            method="POST",
            path="/entity",
            query=_generated_by(new.activity_id),
            body=wire_files.new_file(new),
            repeat_safe=False,
        )
        return wire_files.read_file_state(await self._transport.send(call))

    async def change(self, *, change: FileChange) -> FileState:
        """Add a version with other content, or change the newest (contract 6.5).

        With other content annotations stay, provenance is that of `activity_id`, and a comment that was sent is lost:
        it takes a change of its own. PreconditionFailed when the etag is old. Not repeat-safe (contract 13.6).
        """
        call = RestCall(
            method="PUT",
            path=f"/entity/{quote(change.entity_id, safe='')}",
            query=(
                ("newVersion", "true" if change.is_new_version else "false"),
                *_generated_by(change.activity_id),
            ),
            body=wire_files.changed_file(change),
            repeat_safe=False,
        )
        return wire_files.read_file_state(await self._transport.send(call))

    async def annotate(self, *, entity_id: EntityId, etag: str, annotations: Sequence[Annotation]) -> None:
        """Give the newest version these annotations and no others. PreconditionFailed when the etag is old.

        Not repeat-safe: it changes the etag.
        """
        call = RestCall(
            method="PUT",
            path=f"/entity/{quote(entity_id, safe='')}/annotations2",
            body=wire_details.annotations_body(entity_id, etag, annotations),
            repeat_safe=False,
        )
        await self._transport.send(call)

    async def create_activity(self, *, provenance: Provenance) -> ActivityId:
        """Describe how something came about. Treated as repeat-safe: one that nothing refers to says nothing."""
        body = wire_details.activity_body(provenance)
        call = RestCall(method="POST", path="/activity", body=body, repeat_safe=True)
        return wire_details.read_activity_id(await self._transport.send(call))

    async def attach_activity(self, *, entity_id: EntityId, activity_id: ActivityId) -> None:
        """Say that the newest version came about that way. Repeat-safe: it says the same again."""
        call = RestCall(
            method="PUT",
            path=f"/entity/{quote(entity_id, safe='')}/generatedBy",
            query=_generated_by(activity_id),
            repeat_safe=True,
            shape=Shape.OBJECT_OR_NOTHING,
        )
        await self._transport.send(call)

    async def headers(self, *, references: Sequence[UsedEntity]) -> tuple[EntityHeader, ...]:
        """Headers of some thousand entities or versions, in no order; what cannot be seen is left out (contract 6.3).

        Repeat-safe: it reads.
        """
        body = wire_details.headers_request(references)
        call = RestCall(method="POST", path="/entity/header", body=body, repeat_safe=True)
        found = Fields.of(await self._transport.send(call)).inners("results")
        return tuple(wire_entities.read_header(fields) for fields in found)

    async def register(self, *, registrable: Registrable, facts: ContentFacts) -> FileHandle:
        """Make a handle for bytes that are in their place; nothing is compared with them (contract 7.6).

        Treated as repeat-safe (contract 13.6): a repeat makes a second record of the same object, and either may
        be used.
        """
        path, body = wire_files.registration(registrable, facts)
        call = RestCall(method="POST", base=Base.FILE, path=path, body=body, repeat_safe=True)
        return wire_handles.read_handle(Fields.of(await self._transport.send(call)))


def _generated_by(activity_id: ActivityId | None) -> tuple[tuple[str, str], ...]:
    return () if activity_id is None else (("generatedBy", activity_id),)
