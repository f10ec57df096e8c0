"""Implements ports.Messenger: a message's text is uploaded as a file of the sender's, then sent (contract 11)."""

import hashlib
from collections.abc import Sequence

from storage_core.errors import ServerFault
from storage_core.model.ids import FileHandleId, PrincipalId, UploadId
from storage_core.model.messages import Notice, Principal
from storage_core.synapse.endpoints.messages import Messages
from storage_core.synapse.endpoints.multipart import Multipart
from storage_core.synapse.presigned import PresignedSender, S3Refused
from storage_core.synapse.transport import Transport
from storage_core.synapse.wire_messages import TextFile
from storage_core.synapse.wire_multipart import PartNotAdded

_FILE_NAME = "message.txt"
_NAMES_AT_ONCE = 100


class SynapseMessenger:
    """Writes to people under the signed-in user's name."""

    def __init__(self, transport: Transport, sender: PresignedSender) -> None:
        self._messages = Messages(transport)
        self._multipart = Multipart(transport)
        self._sender = sender

    async def principals(self, names: Sequence[str]) -> tuple[Principal, ...]:
        """See ports.Messenger."""
        found: list[Principal] = []
        for start in range(0, len(names), _NAMES_AT_ONCE):
            found += await self._messages.principals(names[start : start + _NAMES_AT_ONCE])
        return tuple(found)

    async def send(self, notice: Notice, recipients: Sequence[PrincipalId]) -> None:
        """See ports.Messenger."""
        body = await self._uploaded(notice.text.encode())
        await self._messages.send(recipients=recipients, subject=notice.subject, body=body)

    async def _uploaded(self, content: bytes) -> FileHandleId:
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        start = await self._messages.start_text(TextFile(name=_FILE_NAME, md5=md5, size_bytes=len(content)))
        if start.result is not None:
            return start.result
        if start.missing_parts:
            await self._send_only_part(start.upload_id, content, md5)
        done = await self._multipart.complete(upload_id=start.upload_id)
        if done.result is None:
            raise _not_taken("PUT /file/multipart/#/complete", f"the upload is {done.state}")
        return done.result

    async def _send_only_part(self, upload_id: UploadId, content: bytes, md5: str) -> None:
        (part,) = await self._multipart.presign(upload_id=upload_id, numbers=(1,))
        sent = await self._sender.send_part(part.url, part.headers, content)
        if isinstance(sent, S3Refused):
            raise _not_taken("PUT to S3", sent.detail)
        added = await self._multipart.add_part(upload_id=upload_id, number=1, md5=md5)
        if isinstance(added, PartNotAdded):
            raise _not_taken("PUT /file/multipart/#/add/1", added.detail)


def _not_taken(call: str, reason: str) -> ServerFault:
    return ServerFault(call=call, status=0, reason=reason, fix="Send the message by hand.")
