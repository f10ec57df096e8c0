"""`synapse-storage limits`: change the speed of a running migration, or look at it."""

from dataclasses import replace
from typing import Annotated

import typer

from storage_core.cli.arguments import IndexArgument
from storage_core.cli.pace_views import pace_document, pace_lines, schedule_document
from storage_core.cli.reporting import now
from storage_core.cli.session import session_of
from storage_core.config import MOST_CALLS_IN_FLIGHT, MOST_CALLS_PER_MINUTE, MOST_S3_CONNECTIONS
from storage_core.errors import ExitCode, UsageError
from storage_core.model.pace import Limits, Schedule, TimeWindow
from storage_core.plan.pacing import change_text
from storage_core.plan.time_windows import schedule_lines, window_of, window_text, with_window, without_window


def limits(  # noqa: PLR0913 - options of a command
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
    window: Annotated[
        str | None,
        typer.Option(
            "--window",
            metavar="HOURS",
            help="The limits named here hold in these hours only, such as 22:00-06:00 or 'mon-fri 08:00-18:00'.",
            show_default=False,
        ),
    ] = None,
    no_window: Annotated[
        str | None,
        typer.Option("--no-window", metavar="HOURS", help="Forget what holds in these hours.", show_default=False),
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(
            "--zone",
            metavar="NAME",
            help="Whose clock the hours are read from, such as Europe/Berlin; without it the migrating machine's.",
            show_default=False,
        ),
    ] = None,
    as_started: Annotated[bool, typer.Option("--as-started", help="Forget all that was asked for here.")] = False,
) -> ExitCode:
    """Change the limits of a migration while it runs, or show its present speed and why. Asks Synapse nothing."""
    from storage_core.index.limits import clear_limits, read_pace, read_schedule, write_schedule  # late: slow to import
    from storage_core.index.opening import existing

    session = session_of(ctx)
    path = existing(index)
    asked = Limits(
        calls_per_minute=synapse_per_minute, calls_in_flight=synapse_in_flight, s3_connections=s3_connections
    )
    before = read_schedule(path)
    wanted = _changed(before, asked, window=window, no_window=no_window, zone=zone)
    if as_started and wanted != before:
        raise UsageError("--as-started goes with no other limit.", fix="Give either the one or the others.")
    if as_started:
        clear_limits(path)
    elif wanted != before:
        write_schedule(path, wanted)
    kept, pace = read_schedule(path), read_pace(path, now())
    session.document({"limits": schedule_document(kept), "pace": pace_document(pace)})
    session.print_line(f"Limits: {change_text(kept.always)}.")
    for line in schedule_lines(kept):
        session.print_line(line)
    for line in pace_lines(pace) or ("No run works on it now; the next one starts with these.",):
        session.print_line(line)
    return ExitCode.DONE


def _changed(
    before: Schedule, asked: Limits, *, window: str | None, no_window: str | None, zone: str | None
) -> Schedule:
    """The schedule with what this command asks for.

    Raises:
        UsageError: what names hours brings no limits, or hours are to be forgotten that nobody asked for.
    """
    wanted = before if zone is None else replace(before, zone=_known(zone))
    if no_window is not None:
        wanted = replace(wanted, windows=_without(wanted, no_window))
    if window is None:
        return replace(wanted, always=wanted.always.changed_by(asked))
    if asked == Limits():
        raise UsageError(
            f"--window {window!r} says when, and nothing says what.",
            fix="Add --synapse-per-minute, --synapse-in-flight or --s3-connections.",
        )
    return replace(wanted, windows=with_window(wanted.windows, window_of(window, asked)))


def _without(schedule: Schedule, hours: str) -> tuple[TimeWindow, ...]:
    left = without_window(schedule.windows, window_of(hours, Limits()))
    if left == schedule.windows:
        there = ", ".join(window_text(one) for one in schedule.windows) or "none"
        raise UsageError(f"No limits were asked for in {hours!r}.", fix=f"There are windows for: {there}.")
    return left


def _known(zone: str) -> str:
    from storage_core.pacing import local_time  # late: slow to import

    local_time(now(), zone)
    return zone
