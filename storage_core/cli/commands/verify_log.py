"""`synapse-storage verify-log`: has anybody changed the event log?"""

from pathlib import Path
from typing import Annotated

import typer

from storage_core.cli.session import session_of
from storage_core.errors import ExitCode
from storage_core.plan.chaining import BrokenLink
from storage_core.reports.wording import counted

SHOWN = 20
_ENDS_ELSEWHERE = "events were removed at the end, or the log was made anew."


def verify_log(
    ctx: typer.Context,
    index: Annotated[Path, typer.Argument(metavar="INDEX|FOLDER", help="An index, or the folder of a Parquet export.")],
    expect: Annotated[
        str | None, typer.Option("--expect", metavar="HASH", help="The last hash that the log had, kept elsewhere.")
    ] = None,
) -> ExitCode:
    """Follow the chain of hashes through the event log; name every event that was altered. Asks Synapse nothing.

    The files of an export are compared with its manifest, too. Exit code 4 when something was altered, removed or
    inserted.
    """
    from storage_core.index.chain import check_log  # late: the database is slow to import

    session = session_of(ctx)
    found = check_log(index)
    is_expected = expect is None or expect == found.head
    session.document(
        {
            "events": found.events,
            "unchained": found.unchained,
            "last_hash": found.head,
            "altered": [{"seq": one.seq, "event": one.event, "previous": one.previous} for one in found.broken],
            "as_expected": is_expected,
            "as_manifest": found.promised in {None, found.head},
            "other_files": list(found.other_files),
        }
    )
    session.print_line(f"{counted(found.events, 'event')} checked; the last hash is {found.head}.")
    if found.unchained:
        session.print_line(f"{counted(found.unchained, 'earlier event')} from before there was a chain: not checked.")
    for line in [*(_altered(one) for one in found.broken[:SHOWN]), *(f"{one}." for one in found.other_files[:SHOWN])]:
        session.print_line(line)
    if found.promised not in {None, found.head}:
        session.print_line(f"The last hash is not {found.promised}, which the manifest names: {_ENDS_ELSEWHERE}")
    if not is_expected:
        session.print_line(f"The last hash is not {expect}: {_ENDS_ELSEWHERE}")
    return ExitCode.DONE if is_expected and found.is_whole else ExitCode.MISMATCH


def _altered(one: BrokenLink) -> str:
    if one.event is None:
        return f"Event {one.seq} is not there: only its hash is left."
    before = "the first event" if one.previous is None else f"event {one.previous}"
    return (
        f"Event {one.seq} ({one.event}) does not follow from {before}: it was altered, or events before it were "
        "removed or inserted."
    )
