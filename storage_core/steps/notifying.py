"""Tell people how a migration ended. Whatever goes wrong with that is said, and changes nothing else."""

from collections.abc import Sequence

from storage_core.errors import SynapseStorageError
from storage_core.model.ids import PrincipalId
from storage_core.model.messages import Notice, Notified
from storage_core.plan.noticing import MOST_RECIPIENTS, is_principal_id, recipients_of
from storage_core.ports.messenger import Messenger


async def notify(users: Sequence[str], notice: Notice, messenger: Messenger) -> Notified:
    """Send *notice* to users and teams, by names or ids. Five calls for every fifty of them, one more for names."""
    names = [user for user in users if not is_principal_id(user)]
    try:
        found = await messenger.principals(names) if names else ()
    except SynapseStorageError as error:
        return Notified(troubles=(f"The message was not sent: {error.what}",))
    recipients, unknown = recipients_of(users, found)
    troubles = [f"No user or team of Synapse is called {name}; no message was sent to them." for name in unknown]
    reached: list[PrincipalId] = []
    for start in range(0, len(recipients), MOST_RECIPIENTS):
        some = recipients[start : start + MOST_RECIPIENTS]
        try:
            await messenger.send(notice, some)
            reached += some
        except SynapseStorageError as error:
            troubles.append(f"The message to {', '.join(some)} may not have been sent: {error.what}")
    return Notified(recipients=tuple(reached), troubles=tuple(troubles))
