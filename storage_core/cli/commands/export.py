"""`synapse-storage export`: the whole index as Parquet."""

from pathlib import Path
from typing import Annotated

import typer

from storage_core.cli.arguments import IndexArgument
from storage_core.cli.reporting import reading
from storage_core.cli.session import session_of
from storage_core.errors import ExitCode


def export(
    ctx: typer.Context,
    index: IndexArgument,
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="Where to; a new folder, or that of an earlier export."),
    ] = None,
) -> ExitCode:
    """Write every item, copy, setting and event as Parquet, with a manifest of SHA-256 sums."""
    from storage_core.index.parquet import export_parquet  # late: Arrow is slow to import

    session = session_of(ctx)
    target = folder or index.with_name(f"{index.stem}-export")
    with reading(index) as reader:
        export_parquet(reader, target)
    session.document({"folder": str(target)})
    session.print_line(str(target))
    return ExitCode.DONE
