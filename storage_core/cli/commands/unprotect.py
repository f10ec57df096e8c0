"""`synapse-storage unprotect`: put access lists back that a run with --protect could not put back itself."""

import typer

from storage_core.cli.arguments import IndexArgument
from storage_core.cli.running import running
from storage_core.cli.session import session_of
from storage_core.errors import ExitCode
from storage_core.reports.wording import counted


def unprotect(ctx: typer.Context, index: IndexArgument) -> ExitCode:
    """Put the access lists back that `migrate --protect` has changed; those that somebody changed since are left.

    Needed only after a crash, and only when `migrate` is not run again: it does the same as it begins.
    """
    session = session_of(ctx)
    with running(session, index, None) as app:
        before = [one.entity_id for one in app.ledger.protections()]
        app.protector.lift()
    session.document({"format": "synapse-storage/unprotect/1", "lifted": before})
    session.print_line(
        f"{counted(len(before), 'project or folder', 'projects and folders')} no longer protected."
        if before
        else "Nothing of this index is protected."
    )
    return ExitCode.DONE
