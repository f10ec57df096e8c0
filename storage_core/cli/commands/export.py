"""`synapse-storage export`: the whole index as Parquet."""

from typing import Annotated

import typer

from storage_core.cli.arguments import IndexArgument
from storage_core.cli.reporting import reading
from storage_core.cli.session import session_of
from storage_core.errors import ExitCode


def export(
    ctx: typer.Context,
    index: IndexArgument,
    place: Annotated[
        str | None,
        typer.Argument(
            metavar="[FOLDER]",
            help="Where to: a new folder, or that of an earlier export; or s3://bucket/prefix.",
            show_default=False,
        ),
    ] = None,
) -> ExitCode:
    """Write every item, copy, setting and event as Parquet, with a manifest of SHA-256 sums."""
    from storage_core.exports import export_everything  # late: Arrow is slow to import

    session = session_of(ctx)
    target = place or str(index.with_name(f"{index.stem}-export"))
    with reading(index) as reader:
        export_everything(reader, target)
    session.document({"folder": target})
    session.print_line(target)
    return ExitCode.DONE
