"""`synapse-storage retry`: put failed items back to work."""

from typing import Annotated

import typer

from storage_core.cli.arguments import IndexArgument
from storage_core.cli.going_on import command_to_go_on
from storage_core.cli.session import session_of
from storage_core.errors import ExitCode
from storage_core.plan.failed_again import RetryClass, classes_of
from storage_core.reports.wording import counted


def retry(
    ctx: typer.Context,
    index: IndexArgument,
    class_: Annotated[
        RetryClass, typer.Argument(metavar="[CLASS]", help="retryable, needs-a-person, never-works or all.")
    ] = RetryClass.RETRYABLE,
) -> ExitCode:
    """Put failed items of a class back to work; the next `migrate` tries them. Asks Synapse nothing."""
    from storage_core.index.opening import open_index  # late: the database is slow to import

    session = session_of(ctx)
    with open_index(index, None, create=False) as ledger:
        put_back = ledger.retry(classes_of(class_))
        settings = ledger.settings
    go_on = command_to_go_on(settings, index)
    session.document({"put_back": put_back, "class": str(class_), "go_on": go_on})
    told = f"{counted(put_back, 'item')} put back to work."
    session.print_line(f"{told} Go on with: {go_on}" if put_back else told)
    return ExitCode.DONE
