"""What a message about a migration says, and to whom it goes. Pure."""

from collections.abc import Sequence

from storage_core.errors import ExitCode, SynapseStorageError
from storage_core.model.ids import PrincipalId
from storage_core.model.messages import Notice, Principal
from storage_core.model.plans import StatusCount
from storage_core.model.settings import MigrationSettings

MOST_RECIPIENTS = 50
"""Of one message (contract 11)."""

_SUBJECTS = {
    ExitCode.DONE: "done and verified",
    ExitCode.SOME_FAILED: "finished, but not everything was migrated",
    ExitCode.MISMATCH: "something read back differs from what was written",
    ExitCode.THRESHOLD: "stopped, too much failed",
}


def users_from(words: Sequence[str]) -> tuple[str, ...]:
    """Names and ids, each once; several may stand in one word, separated by commas. A leading @ is left out."""
    users = (user.strip().removeprefix("@") for word in words for user in word.split(","))
    return tuple(dict.fromkeys(user for user in users if user))


def is_principal_id(user: str) -> bool:
    """Whether it is an id, and no name has to be looked up."""
    return user.isascii() and user.isdigit()


def recipients_of(users: Sequence[str], found: Sequence[Principal]) -> tuple[tuple[PrincipalId, ...], tuple[str, ...]]:
    """Whom to write to, each once, and the names that nobody has. Letter case does not count in names."""
    by_name = {principal.name.lower(): principal.id for principal in found}
    ids: list[PrincipalId] = []
    unknown: list[str] = []
    for user in users:
        known = PrincipalId(user) if is_principal_id(user) else by_name.get(user.lower())
        if known is None:
            unknown.append(user)
        else:
            ids.append(known)
    return tuple(dict.fromkeys(ids)), tuple(unknown)


def notice_of_end(
    settings: MigrationSettings, exit_code: ExitCode, counts: Sequence[StatusCount], *, index_name: str
) -> Notice:
    """Tell how a run ended, in numbers."""
    ended = _SUBJECTS.get(exit_code, "ended")
    by_status: dict[str, int] = {}
    for count in counts:
        by_status[count.status.value] = by_status.get(count.status.value, 0) + count.items
    lines = [f"  {status}: {items:,}" for status, items in sorted(by_status.items())]
    return Notice(
        subject=f"{_named(settings)}: {ended}",
        text="\n".join(
            [
                f"{_named(settings)}: {ended} (exit code {int(exit_code)}).",
                "",
                "Items by status:",
                *(lines or ["  none"]),
                "",
                f"The reports lie beside the index {index_name}.",
                "",
            ]
        ),
    )


def notice_of_failure(settings: MigrationSettings, error: SynapseStorageError, *, index_name: str) -> Notice:
    """Tell that a run stopped, why, and what to do."""
    return Notice(
        subject=f"{_named(settings)}: stopped",
        text=f"{_named(settings)} stopped.\n\n{error.what}\n{error.fix}\n\n"
        f"Nothing is lost: the same command goes on with the index {index_name}.\n",
    )


def _named(settings: MigrationSettings) -> str:
    return f"Storage migration of {', '.join(settings.roots)} to storage location {settings.destination}"
