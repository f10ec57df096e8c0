"""Messages to people (contract 11): the body is a text file of the sender's; ten a minute."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.synapse.handles import Handle, HandleKind
from sandbox.synapse.http import Answer, Base, Call, Json, Refused, Route, Scope

if TYPE_CHECKING:
    from sandbox.synapse.world import World

MOST_RECIPIENTS = 50
MOST_PER_WINDOW = 10
WINDOW = timedelta(seconds=60)
_TEXTS = frozenset({"text/plain", "text/html"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One sent message."""

    id: str
    sender_id: str
    recipients: tuple[str, ...]
    subject: str | None
    handle_id: str
    created_on: str

    def as_json(self) -> Json:
        """The message as the service sends it."""
        return {
            "id": self.id,
            "createdBy": self.sender_id,
            "createdOn": self.created_on,
            "recipients": list(self.recipients),
            "subject": self.subject,
            "fileHandleId": self.handle_id,
        }


class Messages:
    """What was sent, and by whom when."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self._times: dict[str, list[datetime]] = {}

    def count_against_quota(self, sender_id: str, now: datetime) -> None:
        """Refuse the eleventh message within a minute; its body is an ordinary error, not the throttle's."""
        recent = [time for time in self._times.get(sender_id, []) if now - time < WINDOW]
        if len(recent) >= MOST_PER_WINDOW:
            raise Refused(429, f"Please slow down. You may send a maximum of {MOST_PER_WINDOW} messages every 60000 ms")
        self._times[sender_id] = [*recent, now]


def _send(world: "World", call: Call) -> Answer:
    call.user.require_signed_in()
    recipients = _recipients(call.body)
    handle = _text_handle(world, call)
    for recipient in recipients:
        if world.principals.get(recipient) is None and world.principals.team(recipient) is None:
            raise Refused(404, f"Principal {recipient} cannot be found")
    world.messages.count_against_quota(call.user.id, world.clock.now())
    message = Message(
        id=str(world.ids.number("other")),
        sender_id=call.user.id,
        recipients=recipients,
        subject=call.body.get("subject"),
        handle_id=handle.id,
        created_on=world.clock.stamp(),
    )
    world.messages.sent.append(message)
    return Answer(status=201, json=message.as_json())


def _recipients(body: Json) -> tuple[str, ...]:
    recipients = body.get("recipients")
    if not isinstance(recipients, list) or not 1 <= len(recipients) <= MOST_RECIPIENTS:
        raise Refused(400, f"A message needs 1 to {MOST_RECIPIENTS} recipients")
    return tuple(str(one) for one in recipients)


def _text_handle(world: "World", call: Call) -> Handle:
    """The file that holds the text: the sender's own, in S3, plain text or HTML."""
    if not call.body.get("fileHandleId"):
        raise Refused(400, "fileHandleId is required")
    handle = world.handles.require(str(call.body["fileHandleId"]))
    if handle.created_by != call.user.id:
        raise Refused(403, f"You must be the creator of file handle {handle.id}")
    content_type = (handle.content_type or "").partition(";")[0].strip().lower()
    if handle.kind is not HandleKind.S3 or content_type not in _TEXTS:
        raise Refused(400, f"File handle {handle.id} is no text in S3")
    return handle


ROUTES: tuple[Route, ...] = (
    Route(base=Base.REPO, method="POST", template="/message", handler=_send, scopes=(Scope.VIEW, Scope.MODIFY)),
)
