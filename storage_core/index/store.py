"""The open index: everything of `ports.ledger.Ledger`, put together."""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from storage_core.index.adopted import store_adoption
from storage_core.index.canaries import CanaryTables
from storage_core.index.cells import CellTables
from storage_core.index.checks import CheckTables
from storage_core.index.copies import CopyTables
from storage_core.index.database import Database
from storage_core.index.guard import release, remove_note
from storage_core.index.holders import HolderTables
from storage_core.index.plan import PlanTables
from storage_core.index.protections import ProtectionTables
from storage_core.index.returns import ReturnTables
from storage_core.index.snapshot import Publisher
from storage_core.index.table_walk import TableWalkTables
from storage_core.model.adoptions import Adoption
from storage_core.model.settings import MigrationSettings


class Index(
    TableWalkTables,
    CopyTables,
    CellTables,
    ReturnTables,
    CheckTables,
    HolderTables,
    ProtectionTables,
    CanaryTables,
    PlanTables,
):
    """One migration's index, open for writing. Made by `opening.open_index`; implements ports.Ledger.

    One thread only: the one that opened it.
    """

    def __init__(self, database: Database, settings: MigrationSettings) -> None:
        super().__init__(database, settings)
        self._publisher = Publisher(database)
        self._closed = False

    @property
    def database(self) -> Database:
        """What the tables of this package are reached through; for this package alone."""
        return self._database

    def together(self) -> AbstractContextManager[None]:
        """See ports.PlanLedger."""
        return self._database.transaction()

    def adopt(self, adoption: Adoption, *, told: str) -> None:
        """Start from what another tool's index knows; *told* goes to the journal. For a new index only."""
        store_adoption(self._database, adoption, told=told)

    def publish(self, *, force: bool = False) -> None:
        """See ports.PlanLedger. At most every few seconds, less often for a large index, unless *force*."""
        self._publisher.publish(force=force)

    def close(self) -> None:
        """Publish once more and let go of the file. Closing twice is harmless."""
        if self._closed:
            return
        self._closed = True
        try:
            self.publish(force=True)
        finally:
            remove_note(self._database.path)
            self._database.close()
            release(self._database.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
