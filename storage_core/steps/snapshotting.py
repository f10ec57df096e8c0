"""Phase snapshot tables: freeze each table as a version before its first change."""

from storage_core.errors import AnswerLost, BadRequest, RestError
from storage_core.model.works import SnapshotFailed, SnapshotTaken, SnapshotWork
from storage_core.ports.catalog import Catalog
from storage_core.steps.repointing import reason_of
from storage_core.steps.services import Emit, Services

_SENDINGS_AT_MOST = 3


async def snapshot_table(work: SnapshotWork, services: Services, emit: Emit) -> None:
    """Freeze one table once in this migration's life, whatever was killed or lost meanwhile."""
    try:
        emit(await _frozen(work, services.catalog))
    except RestError as error:
        emit(SnapshotFailed(table_id=work.table_id, reason=reason_of(error), detail=error.what))


async def _frozen(work: SnapshotWork, catalog: Catalog) -> SnapshotTaken:
    """Look for the version that an earlier try left behind, by its comment, before every sending and after a loss.

    A request that is carried out only after we have given up on it makes no second version: whichever of the two comes
    later finds the label taken.
    """
    for sending in range(_SENDINGS_AT_MOST):
        version = await _version_of(work, catalog)
        if version is not None:
            return SnapshotTaken(table_id=work.table_id, version=version, found_done=sending == 0)
        try:
            version = await catalog.snapshot_table(work.table_id, label=work.label, comment=work.comment)
            return SnapshotTaken(table_id=work.table_id, version=version)
        except BadRequest:
            version = await _version_of(work, catalog)
            if version is None:
                raise
            return SnapshotTaken(table_id=work.table_id, version=version)
        except AnswerLost:
            version = await _version_of(work, catalog)
            if version is not None:
                return SnapshotTaken(table_id=work.table_id, version=version)
            if sending == _SENDINGS_AT_MOST - 1:
                raise
    raise AssertionError(work)  # pragma: no cover - the last sending returns or raises


async def _version_of(work: SnapshotWork, catalog: Catalog) -> int | None:
    versions = await catalog.table_versions(work.table_id)
    return next((version.number for version in versions if version.comment == work.comment), None)
