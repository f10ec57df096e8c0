"""A boto3 session on borrowed keys: it asks for new ones before the old ones end, in the middle of a transfer too."""

from collections.abc import Callable
from datetime import timedelta

import botocore.session
from boto3.session import Session
from botocore.credentials import RefreshableCredentials

from storage_core.model.credentials import StsToken

__all__ = ["ENOUGH", "Session", "borrowing_session"]

_ASK_EARLY_SECONDS = 15 * 60
"""From this much life left on, one thread asks for new keys while the others go on with the old ones."""
_ASK_NOW_SECONDS = 10 * 60
"""From this much life left on, everybody waits for the new ones."""

ENOUGH = timedelta(minutes=20)
"""The life that a token should have left when it is handed to a session: with less it would ask again at once."""


def borrowing_session(fetch: Callable[[], StsToken], *, region: str | None = None) -> Session:
    """Make a session whose clients always hold keys that work.

    Args:
        fetch: gives a token with more than `ENOUGH` life left if it can; called on whichever thread needs it, so
            never on the network's.
    """
    core = botocore.session.get_session()
    # botocore has no public way to hand over credentials that renew themselves; a test keeps an eye on this one
    core._credentials = RefreshableCredentials.create_from_metadata(  # type: ignore[attr-defined]  # noqa: SLF001
        metadata=_metadata(fetch()),
        refresh_using=lambda: _metadata(fetch()),
        method="synapse-sts",
        advisory_timeout=_ASK_EARLY_SECONDS,
        mandatory_timeout=_ASK_NOW_SECONDS,
    )
    return Session(botocore_session=core, region_name=region)


def _metadata(token: StsToken) -> dict[str, str]:
    return {
        "access_key": token.access_key_id,
        "secret_key": token.secret_access_key.reveal(),
        "token": token.session_token.reveal(),
        "expiry_time": token.expiration.isoformat(),
    }
