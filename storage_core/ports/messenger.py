"""Messages to Synapse users."""

from collections.abc import Sequence
from typing import Protocol

from storage_core.model.ids import PrincipalId
from storage_core.model.messages import Notice, Principal


class Messenger(Protocol):
    """Writes to people under the name of the signed-in user."""

    async def principals(self, names: Sequence[str]) -> tuple[Principal, ...]:
        """Users and teams of these names; unknown ones are left out. One call per 100."""
        ...

    async def send(self, notice: Notice, recipients: Sequence[PrincipalId]) -> None:
        """Send to at most 50 users or teams. Five calls. AnswerLost when it may have been sent."""
        ...
