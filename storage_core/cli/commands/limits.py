"""`synapse-storage limits`: change the speed of a running migration, or look at it."""

from pathlib import Path
from typing import Annotated

import typer

from storage_core.cli.arguments import IndexArgument
from storage_core.cli.pace_views import limits_document, pace_document, pace_lines
from storage_core.cli.reporting import now
from storage_core.cli.session import session_of
from storage_core.config import MOST_CALLS_IN_FLIGHT, MOST_CALLS_PER_MINUTE, MOST_S3_CONNECTIONS
from storage_core.errors import ExitCode, UsageError
from storage_core.model.pace import Limits
from storage_core.plan.pacing import change_text


def limits(
    ctx: typer.Context,
    index: IndexArgument,
    *,
    synapse_per_minute: Annotated[
        int | None,
        typer.Option(
            "--synapse-per-minute",
            metavar="N",
            min=1,
            max=MOST_CALLS_PER_MINUTE,
            help="Synapse calls a minute; the service allows 600.",
            show_default=False,
        ),
    ] = None,
    synapse_in_flight: Annotated[
        int | None,
        typer.Option(
            "--synapse-in-flight",
            metavar="N",
            min=1,
            max=MOST_CALLS_IN_FLIGHT,
            help="Synapse calls at a time; the service allows 3.",
            show_default=False,
        ),
    ] = None,
    s3_connections: Annotated[
        int | None,
        typer.Option(
            "--s3-connections",
            metavar="N",
            min=1,
            max=MOST_S3_CONNECTIONS,
            help="Requests to S3 at a time.",
            show_default=False,
        ),
    ] = None,
    as_started: Annotated[bool, typer.Option("--as-started", help="Forget all that was asked for here.")] = False,
) -> ExitCode:
    """Change the limits of a migration while it runs, or show its present speed and why. Asks Synapse nothing."""
    from storage_core.index.limits import clear_limits, read_limits, read_pace, write_limits  # late: slow to import

    session = session_of(ctx)
    path = _existing(index)
    asked = Limits(
        calls_per_minute=synapse_per_minute, calls_in_flight=synapse_in_flight, s3_connections=s3_connections
    )
    if as_started and asked != Limits():
        raise UsageError("--as-started goes with no other limit.", fix="Give either the one or the others.")
    if as_started:
        clear_limits(path)
    elif asked != Limits():
        write_limits(path, read_limits(path).changed_by(asked))
    kept, pace = read_limits(path), read_pace(path, now())
    session.document({"limits": limits_document(kept), "pace": pace_document(pace)})
    session.print_line(f"Limits: {change_text(kept)}.")
    for line in pace_lines(pace) or ("No run works on it now; the next one starts with these.",):
        session.print_line(line)
    return ExitCode.DONE


def _existing(index: Path) -> Path:
    """The index's one path; it may be open elsewhere.

    Raises:
        UsageError: there is no such file, or it is no index.
    """
    from storage_core.index.opening import check_kind_of_file, resolved  # late: the database is slow to import

    path = resolved(index)
    if not path.is_file():
        raise UsageError(f"There is no index at {path}.", fix="Check the path, or make one with `index`.")
    check_kind_of_file(path)
    return path
