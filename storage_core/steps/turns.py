"""Turns: one transaction per table at a time (contract 9.9)."""

import asyncio

from storage_core.model.ids import EntityId


class TableTurns:
    """A lock per table, for the coroutines of one run. Other processes are kept out by the index."""

    def __init__(self) -> None:
        self._locks: dict[EntityId, asyncio.Lock] = {}

    def of(self, table_id: EntityId) -> asyncio.Lock:
        """The table's lock."""
        return self._locks.setdefault(table_id, asyncio.Lock())
