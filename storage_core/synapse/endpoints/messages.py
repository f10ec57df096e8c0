"""Messages and the people they go to (contract 11)."""

from collections.abc import Sequence

from storage_core.model.ids import FileHandleId, PrincipalId
from storage_core.model.messages import Principal
from storage_core.synapse import wire_messages, wire_multipart
from storage_core.synapse.calls import Base, RestCall
from storage_core.synapse.transport import Transport
from storage_core.synapse.wire_messages import TextFile
from storage_core.synapse.wire_multipart import MultipartStart


class Messages:
    """One method, one call."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def principals(self, names: Sequence[str]) -> tuple[Principal, ...]:
        """Users and teams of these names, at most 100; unknown names are left out. Repeat-safe: it reads."""
        body = wire_messages.aliases(names)
        call = RestCall(method="POST", path="/userGroupHeaders/aliases", body=body, repeat_safe=True)
        return wire_messages.read_principals(await self._transport.send(call))

    async def start_text(self, file: TextFile) -> MultipartStart:
        """Begin the upload of a text, or meet a finished one of the same content and name (contract 8.3)."""
        body = wire_messages.text_start(file)
        call = RestCall(method="POST", base=Base.FILE, path="/file/multipart", body=body, repeat_safe=True)
        return wire_multipart.read_start(await self._transport.send(call))

    async def send(self, *, recipients: Sequence[PrincipalId], subject: str, body: FileHandleId) -> None:
        """Send the text behind a file handle of the caller's own. Not repeat-safe: people would get it twice."""
        content = wire_messages.message(recipients, subject, body)
        await self._transport.send(RestCall(method="POST", path="/message", body=content, repeat_safe=False))
