"""Messages about a migration that has ended, sent when its own connections are closed already."""

from collections.abc import Sequence
from pathlib import Path

from storage_core.config import Config
from storage_core.errors import ExitCode, SynapseStorageError
from storage_core.index.reading import open_for_reading
from storage_core.model.messages import Notice, Notified
from storage_core.model.settings import MigrationSettings
from storage_core.plan.noticing import notice_of_end, notice_of_failure
from storage_core.steps.notifying import notify
from storage_core.wiring.migration import connected


def tell_end(config: Config, users: Sequence[str], index_path: Path, exit_code: ExitCode) -> Notified:
    """Tell *users* how the run of an index ended. Never raises for a message that could not be sent."""
    try:
        with open_for_reading(index_path) as reader:
            notice = notice_of_end(reader.settings, exit_code, reader.counts(), index_name=index_path.name)
    except SynapseStorageError as error:
        return _not_sent(error)
    return _tell(config, users, notice)


def tell_failure(
    config: Config, users: Sequence[str], settings: MigrationSettings, index_path: Path, failure: SynapseStorageError
) -> Notified:
    """Tell *users* that a run stopped, and why. Never raises for a message that could not be sent."""
    return _tell(config, users, notice_of_failure(settings, failure, index_name=index_path.name))


def _tell(config: Config, users: Sequence[str], notice: Notice) -> Notified:
    try:
        with connected(config) as remote:
            return remote.network.run(notify(users, notice, remote.messenger))
    except SynapseStorageError as error:
        return _not_sent(error)


def _not_sent(error: SynapseStorageError) -> Notified:
    return Notified(troubles=(f"The message was not sent: {error.what}",))
