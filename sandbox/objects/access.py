"""Who may do what in the object store: access keys, their grants, temporary sessions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sandbox.objects.records import Bucket

OWNER_PROOF = "owner.txt"


class Action(StrEnum):
    """The rights the store tells apart."""

    READ = "read"
    WRITE = "write"
    LIST = "list"


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketGrant:
    """A right on a bucket below a prefix. The bucket ``*`` means every one.

    Attributes:
        prefix: keys must be equal to it or lie below it; empty for the whole bucket.
        shields_owner_proof: the object that proves the bucket's ownership stays out of reach (contract 5).
    """

    bucket: str = "*"
    prefix: str = ""
    can_write: bool = True
    shields_owner_proof: bool = False

    def allows(self, action: Action, bucket: str, key: str) -> bool:
        """Is the action on this key (for a listing: on this prefix) granted?"""
        if self.bucket not in ("*", bucket) or (action is Action.WRITE and not self.can_write):
            return False
        if self.shields_owner_proof and key == f"{self.prefix}/{OWNER_PROOF}".removeprefix("/"):
            return False
        return not self.prefix or key == self.prefix or key.startswith(f"{self.prefix}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """An access key. Temporary ones carry a token that must be sent along, and end.

    Attributes:
        is_synapse: the service's own role, which the buckets' switches govern instead of grants.
    """

    access_key: str
    secret_key: str
    grants: tuple[BucketGrant, ...] = ()
    session_token: str | None = None
    expires: datetime | None = None
    is_synapse: bool = False

    def allows(self, action: Action, bucket: Bucket, key: str) -> bool:
        """May the holder do this? Expiry is not looked at here."""
        if self.is_synapse:
            return bucket.writable_by_synapse if action is Action.WRITE else bucket.readable_by_synapse
        return any(grant.allows(action, bucket.name, key) for grant in self.grants)
