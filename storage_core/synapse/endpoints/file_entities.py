"""File entities and file handles that transfers make (contract 6.5, 6.7, 7.6, 7.7)."""

from urllib.parse import quote

from storage_core.model.handles import FileHandle
from storage_core.model.ids import EntityId
from storage_core.model.transfers import ContentFacts, FileChange, FileState, NewFile, Registrable
from storage_core.model.trees import FileDetails
from storage_core.synapse import wire_details, wire_files, wire_handles
from storage_core.synapse.calls import Base, RestCall
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
        call = RestCall(method="POST", path="/entity", body=wire_files.new_file(new), repeat_safe=False)
        return wire_files.read_file_state(await self._transport.send(call))

    async def change(self, *, change: FileChange) -> FileState:
        """Add a version with other content, or change the newest (contract 6.5).

        With other content annotations stay, provenance is that of nothing, and a comment that was sent is lost: it
        takes a change of its own. PreconditionFailed when the etag is old. Not repeat-safe (contract 13.6).
        """
        call = RestCall(
            method="PUT",
            path=f"/entity/{quote(change.entity_id, safe='')}",
            query=(("newVersion", "true" if change.is_new_version else "false"),),
            body=wire_files.changed_file(change),
            repeat_safe=False,
        )
        return wire_files.read_file_state(await self._transport.send(call))

    async def register(self, *, registrable: Registrable, facts: ContentFacts) -> FileHandle:
        """Make a handle for bytes that are in their place; nothing is compared with them (contract 7.6).

        Treated as repeat-safe (contract 13.6): a repeat makes a second record of the same object, and either may
        be used.
        """
        path, body = wire_files.registration(registrable, facts)
        call = RestCall(method="POST", base=Base.FILE, path=path, body=body, repeat_safe=True)
        return wire_handles.read_handle(Fields.of(await self._transport.send(call)))
