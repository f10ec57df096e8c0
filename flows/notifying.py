"""Messages to Synapse users about a flow run. They never change how it ends."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from prefect import get_run_logger

from flows.credentials import configuration
from storage_core.errors import ExitCode, Interrupted, NotConfirmed, SynapseStorageError
from storage_core.model.messages import Notified
from storage_core.model.settings import MigrationSettings
from storage_core.notices import tell_end, tell_failure
from storage_core.plan.noticing import users_from


@contextmanager
def telling_of_failures(
    words: Sequence[str], settings: MigrationSettings, index_path: Path, credentials: str = ""
) -> Iterator[None]:
    """Tell people when the run inside stops with an error, which goes on its way."""
    try:
        yield
    except (NotConfirmed, Interrupted):
        raise
    except SynapseStorageError as failure:
        if users := users_from(words):
            _tell_of_failure(users, settings, index_path, failure, credentials)
        raise


def tell_of_end(words: Sequence[str], index_path: Path, exit_code: ExitCode, credentials: str = "") -> None:
    """Tell people how the run ended."""
    if users := users_from(words):
        _log(tell_end(configuration(credentials), users, index_path, exit_code))


def _tell_of_failure(
    users: Sequence[str],
    settings: MigrationSettings,
    index_path: Path,
    failure: SynapseStorageError,
    credentials: str,
) -> None:
    try:
        config = configuration(credentials)
    except SynapseStorageError:
        get_run_logger().warning("No message was sent: nobody is signed in.")
        return
    _log(tell_failure(config, users, settings, index_path, failure))


def _log(notified: Notified) -> None:
    if notified.recipients:
        get_run_logger().info("A message was sent to %s.", ", ".join(notified.recipients))
    for trouble in notified.troubles:
        get_run_logger().warning(trouble)
