"""Messages to Synapse users."""

from dataclasses import dataclass

from storage_core.model.ids import PrincipalId


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A user or a team, by id and name."""

    id: PrincipalId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is to be told; `text` is plain text and never empty."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notified:
    """What became of a message. It is never worth more than the work it tells of, so troubles are sentences.

    Attributes:
        recipients: whom it was sent to; empty when it was not sent.
    """

    recipients: tuple[PrincipalId, ...] = ()
    troubles: tuple[str, ...] = ()
