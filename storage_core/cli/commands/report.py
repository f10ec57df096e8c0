"""`synapse-storage report`: write the reports about an index."""

from pathlib import Path
from typing import Annotated

import typer

from storage_core.cli.arguments import IndexArgument
from storage_core.cli.reporting import make_folder, reading, run_facts, write_reports
from storage_core.cli.session import session_of
from storage_core.errors import ExitCode, UsageError


def report(
    ctx: typer.Context,
    index: IndexArgument,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Where to; beside INDEX by default.")
    ] = None,
    only: Annotated[
        str | None, typer.Option("--only", metavar="NAME", help="One report: html, csv or summary.", show_default=False)
    ] = None,
) -> ExitCode:
    """Write the HTML report, the CSV log, the JSON summary and the Parquet export. Asks Synapse nothing."""
    session = session_of(ctx)
    written = write_reports(index, folder, run_facts()) if only is None else [_one(index, folder, only)]
    session.document({"reports": [str(path) for path in written]})
    for path in written:
        session.print_line(str(path))
    return ExitCode.DONE


def _one(index: Path, folder: Path | None, name: str) -> Path:
    from storage_core.reports import REPORTS  # late: only this command lists them

    chosen = [report for report in REPORTS if report.name == name]
    if not chosen:
        known = ", ".join(report.name for report in REPORTS)
        raise UsageError(f"There is no report named {name!r}.", fix=f"Choose one of: {known}.")
    path = (folder or index.parent) / f"{index.stem}{chosen[0].suffix}"
    with reading(index) as reader:
        make_folder(path.parent)  # not before: a mistyped index must leave no folder behind
        chosen[0].write(reader, path, run_facts())
    return path
