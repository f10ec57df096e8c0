"""`--notify`: messages to Synapse users about a run. They never change its exit code."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storage_core.cli.session import Session
from storage_core.errors import ExitCode, Interrupted, NotConfirmed, SynapseStorageError
from storage_core.model.settings import MigrationSettings
from storage_core.plan.noticing import users_from

if TYPE_CHECKING:
    from storage_core.model.messages import Notified

NotifyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--notify",
        metavar="USER[,USER...]",
        help="Message these Synapse users or teams (names or ids) at the end; may be repeated.",
        show_default=False,
    ),
]


@contextmanager
def telling_of_failures(
    session: Session, words: Sequence[str] | None, settings: MigrationSettings, index_path: Path
) -> Iterator[None]:
    """Tell people when the run inside stops with an error, which goes on its way. A person's own stop is no news."""
    try:
        yield
    except (NotConfirmed, Interrupted):
        raise
    except SynapseStorageError as failure:
        users = users_from(words or ())
        if users:
            _tell_of_failure(session, users, settings, index_path, failure)
        raise


def tell_of_end(session: Session, words: Sequence[str] | None, index_path: Path, exit_code: ExitCode) -> None:
    """Tell people how the run ended."""
    from storage_core.notices import tell_end  # late: the network is slow to import

    users = users_from(words or ())
    if users:
        _say(session, tell_end(session.load_config(), users, index_path, exit_code))


def _tell_of_failure(
    session: Session,
    users: Sequence[str],
    settings: MigrationSettings,
    index_path: Path,
    failure: SynapseStorageError,
) -> None:
    from storage_core.notices import tell_failure  # late: the network is slow to import

    try:
        config = session.load_config()
    except SynapseStorageError:
        session.show_beside("No message was sent: nobody is signed in.")
        return
    _say(session, tell_failure(config, users, settings, index_path, failure))


def _say(session: Session, notified: "Notified") -> None:
    if notified.recipients:
        session.say(f"A message was sent to {', '.join(notified.recipients)}.")
    for trouble in notified.troubles:
        session.show_beside(trouble)
