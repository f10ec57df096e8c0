"""Joins what storage locations, settings and credentials need, on an open connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from storage_core.config import Config
from storage_core.model.credentials import StsPermission, StsToken
from storage_core.model.ids import EntityId
from storage_core.network import NetworkThread
from storage_core.ports.storage import OwnerFile, Storage
from storage_core.steps.borrowing import ENOUGH_LIFE, TokenCache
from storage_core.synapse.storage import SynapseStorage
from storage_core.wiring.migration import Remote, connected

if TYPE_CHECKING:
    from storage_core.aws.borrowed import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageDesk:
    """Everything about where bytes live, on one connection. `storage` and `tokens` live on the network thread."""

    remote: Remote
    storage: Storage
    tokens: TokenCache

    @property
    def network(self) -> NetworkThread:
        """Runs the steps."""
        return self.remote.network

    def token(self, entity_id: EntityId, permission: StsPermission, *, at_least: timedelta = ENOUGH_LIFE) -> StsToken:
        """Borrow credentials, from any thread but the network's; see `TokenCache.token`."""
        return self.network.run(self.tokens.token(entity_id, permission, at_least=at_least))

    def borrowing_session(
        self, entity_id: EntityId, permission: StsPermission, *, region: str | None = None
    ) -> "Session":
        """A boto3 session that renews its borrowed keys for as long as this desk is open."""
        from storage_core.aws.borrowed import ENOUGH, borrowing_session  # late: boto3 is slow to import

        return borrowing_session(lambda: self.token(entity_id, permission, at_least=ENOUGH), region=region)


@contextmanager
def storage_desk(config: Config) -> Iterator[StorageDesk]:
    """Open the network side with everything about storage on top."""
    with connected(config) as remote:
        yield desk_on(remote)


def desk_on(remote: Remote) -> StorageDesk:
    """The same on a connection that is open."""
    storage = SynapseStorage(remote.transport, remote.catalog)
    return StorageDesk(remote=remote, storage=storage, tokens=TokenCache(storage.sts_token, remote.clock))


def owner_file_writer(*, profile: str | None = None) -> OwnerFile:
    """Writes owner.txt with the user's own AWS keys."""
    from storage_core.aws.owner_file import S3OwnerFile  # late: boto3 is slow to import

    return S3OwnerFile(profile=profile)
