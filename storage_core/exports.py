"""What is written for people when a run has ended: every report, and the Parquet export; in a folder, or in S3."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from storage_core.errors import UsageError
from storage_core.index.parquet import MANIFEST, export_parquet
from storage_core.index.reading import open_for_reading
from storage_core.model.exports import BucketFolder
from storage_core.plan.export_places import bucket_folder, is_manifest, manifest_beside, run_name
from storage_core.ports.queries import Queries
from storage_core.ports.storage import ExportBucket
from storage_core.reports import REPORTS
from storage_core.reports.figures import Figures, read_figures
from storage_core.reports.report import RunFacts

_PARQUET = "parquet"
_TYPES = {".html": "text/html; charset=utf-8", ".csv": "text/csv; charset=utf-8", ".json": "application/json"}
_ANY_TYPE = "application/octet-stream"


def write_everything(index_path: Path, place: str | Path | None, facts: RunFacts) -> tuple[str, ...]:
    """Write all reports about an index, and its Parquet export.

    Args:
        place: a folder, made when missing, or ``s3://bucket/prefix``; by default the folder ``<index name>-report``
            beside the index.

    Returns:
        Where the files and the Parquet folder are, the report for people first.

    Raises:
        UsageError: the folder cannot be made or written, or names no place in S3.
        AccessError, ServiceUnavailable: see `ports.storage.ExportBucket`.
    """
    bucket = bucket_folder(str(place)) if place else None
    if bucket is None:
        folder = Path(place).expanduser() if place else index_path.with_name(f"{index_path.stem}-report")
        return tuple(str(path) for path in _write_all(index_path, folder, facts))
    with TemporaryDirectory(prefix="synapse-storage-") as draft, opened_bucket(bucket) as store:
        *reports, parquet = _write_all(index_path, Path(draft), facts)
        publish(parquet, store, below=f"{_PARQUET}/")
        for path in reports:
            store.write(path.name, path, content_type=_TYPES.get(path.suffix, _ANY_TYPE))
    return (*(str(bucket.below(path.name)) for path in reports), str(bucket.below(_PARQUET)))


def figures_of(index_path: Path) -> Figures:
    """What every report shows, of an index that no process has open.

    Raises:
        UsageError, IndexUnusable, IndexInUse: see `index.reading.open_for_reading`.
    """
    with open_for_reading(index_path) as queries:
        return read_figures(queries)


def export_everything(queries: Queries, place: str) -> None:
    """Write the Parquet export of an open index to a folder or to ``s3://bucket/prefix``.

    Raises:
        UsageError: the place holds something else than an export, or cannot be written.
        AccessError, ServiceUnavailable: see `ports.storage.ExportBucket`.
    """
    bucket = bucket_folder(place)
    if bucket is None:
        export_parquet(queries, Path(place).expanduser())
        return
    with TemporaryDirectory(prefix="synapse-storage-") as draft, opened_bucket(bucket) as store:
        export_parquet(queries, Path(draft) / _PARQUET)
        publish(Path(draft) / _PARQUET, store)


def publish(folder: Path, store: ExportBucket, *, below: str = "") -> None:
    """Put an export that lies in *folder* into a bucket, so that readers see the old one or the new one, whole.

    Its files go to a folder of their own, named after their content; only when all are there the manifest, which
    names them, replaces the one before. What earlier exports put there stays, for those who still read it.

    Raises:
        UsageError: the bucket holds another MANIFEST.json in that place.
    """
    present = store.read(f"{below}{MANIFEST}")
    if present is not None and not is_manifest(present):
        raise UsageError(
            f"{store} holds a {below}{MANIFEST} that is not part of an export.", fix="Give another prefix."
        )
    text = (folder / MANIFEST).read_text(encoding="utf-8")
    run = run_name(text)
    for path in sorted(folder.rglob("*.parquet")):
        name = f"{below}{run}/{path.relative_to(folder).as_posix()}"
        store.write(name, path, content_type="application/vnd.apache.parquet")
    manifest = folder / f".{MANIFEST}"
    manifest.write_text(manifest_beside(text, run), encoding="utf-8")
    store.write(f"{below}{MANIFEST}", manifest, content_type="application/json")


@contextmanager
def opened_bucket(place: BucketFolder) -> Iterator[ExportBucket]:
    """The place in S3, reachable with the user's own AWS keys."""
    from storage_core.aws.export_bucket import S3ExportBucket  # late: boto3 is slow to import

    store = S3ExportBucket(place)
    try:
        yield store
    finally:
        store.close()


def _write_all(index_path: Path, folder: Path, facts: RunFacts) -> list[Path]:
    try:
        with open_for_reading(index_path) as queries:
            # not before: a mistyped index must leave no folder behind
            folder.mkdir(parents=True, exist_ok=True)
            written = []
            for report in REPORTS:
                path = folder / f"{index_path.stem}{report.suffix}"
                report.write(queries, path, facts)
                written.append(path)
            export_parquet(queries, folder / _PARQUET)
    except OSError as error:
        raise UsageError(
            f"The reports cannot be written to {folder}: {error.strerror or error}.",
            fix="Choose a folder you may write to.",
        ) from error
    return [*written, folder / _PARQUET]
