"""The throttle as it is meant: one budget per user and machine, whatever the number of HTTP sessions.

By its letter the service counts each session cookie apart (contract 1.5), and the existing client has a session per
thread: it gets several budgets. Whether the service grants them is not known from outside.
"""

from sandbox.synapse.throttle import Throttle


class OneBudget(Throttle):
    """Leaves the session out of what it counts by."""

    def admit(self, key: str, api: str) -> None:
        """See Throttle."""
        super().admit(_without_session(key), api)

    def release(self, key: str) -> None:
        """See Throttle."""
        super().release(_without_session(key))


def _without_session(key: str) -> str:
    user, _, address = key.split("|", 2)
    return f"{user}||{address}"
