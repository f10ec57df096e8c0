"""Reading an index for people, and writing the reports about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from storage_core.errors import ExitCode, UsageError
from storage_core.plan.export_places import bucket_folder
from storage_core.reports.atomic import check_folder, check_writable
from storage_core.reports.figures import Figures, read_figures
from storage_core.reports.report import RunFacts

if TYPE_CHECKING:
    from storage_core.index.reading import IndexReader


@contextmanager
def reading(index_path: Path) -> "Iterator[IndexReader]":
    """The index, or the snapshot beside it while another process works on it.

    Raises:
        UsageError, IndexUnusable, IndexInUse: see `index.reading.open_for_reading`.
    """
    from storage_core.index.reading import open_for_reading  # late: the database is slow to import

    with open_for_reading(index_path) as reader:
        yield reader


def figures_of(index_path: Path) -> Figures:
    """All figures of an index."""
    with reading(index_path) as reader:
        return read_figures(reader)


def run_facts(*, exit_code: ExitCode | None = None, calls: int | None = None) -> RunFacts:
    """What the command line knows beside the index."""
    return RunFacts(made_at=now(), exit_code=exit_code, calls=calls)


def now() -> datetime:
    """The present moment; nothing but what people read depends on it."""
    return datetime.now(UTC)  # noqa: TID251 - the outermost edge: a report says when it was made


def write_reports(index_path: Path, folder: Path | None, facts: RunFacts) -> tuple[str, ...]:
    """Write every report and the Parquet export; the report for people comes first."""
    from storage_core.exports import write_everything  # late: the database is slow to import

    return write_everything(index_path, folder, facts)


def check_places(index_path: Path, csv_path: Path | None, report_folder: Path | None) -> None:
    """Refuse before a run that may take weeks what could not be written after it.

    Raises:
        UsageError: the CSV log would take the place of the index, or one of them cannot be written there.
    """
    if csv_path is not None:
        if csv_path.absolute() == index_path.absolute():
            raise UsageError(
                f"{csv_path} is the index; the CSV log cannot be written there.", fix="Give it another path."
            )
        check_writable(csv_path)
    if report_folder is not None and bucket_folder(str(report_folder)) is None:
        check_folder(report_folder.expanduser(), may_be_made=True)


def make_folder(folder: Path) -> None:
    """Make a folder for reports where there is none.

    Raises:
        UsageError: it cannot be made or written.
    """
    check_folder(folder, may_be_made=True)
    folder.mkdir(parents=True, exist_ok=True)


def write_csv_log(index_path: Path, csv_path: Path) -> None:
    """Write the CSV log alone."""
    from storage_core.reports.csv_log import write_csv  # late: with its reader

    with reading(index_path) as reader:
        write_csv(reader, csv_path)
