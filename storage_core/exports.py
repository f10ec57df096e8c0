"""Everything that is written for people when a run has ended: every report, and the Parquet export."""

from pathlib import Path

from storage_core.errors import UsageError
from storage_core.index.parquet import export_parquet
from storage_core.index.reading import open_for_reading
from storage_core.reports import REPORTS
from storage_core.reports.report import RunFacts


def write_everything(index_path: Path, folder: Path | None, facts: RunFacts) -> tuple[Path, ...]:
    """Write all reports about an index, and its Parquet export.

    Args:
        folder: where to; made when missing. By default beside the index, in ``<index name>-report``.

    Returns:
        The files and the Parquet folder, the report for people first.

    Raises:
        UsageError: the folder cannot be made or written.
    """
    target = folder or index_path.with_name(f"{index_path.stem}-report")
    try:
        with open_for_reading(index_path) as queries:
            # not before: a mistyped index must leave no folder behind
            target.mkdir(parents=True, exist_ok=True)
            written = []
            for report in REPORTS:
                path = target / f"{index_path.stem}{report.suffix}"
                report.write(queries, path, facts)
                written.append(path)
            export_parquet(queries, target / "parquet")
    except OSError as error:
        raise UsageError(
            f"The reports cannot be written to {target}: {error.strerror or error}.",
            fix="Choose a folder you may write to.",
        ) from error
    return (*written, target / "parquet")
