"""Containers that are protected: how their access lists were, until that is put back."""

import json

from storage_core.index.database import Database
from storage_core.index.rows import entity_id_of, entity_number
from storage_core.model.protection import AccessEntries, AccessEntry, Protection
from storage_core.model.settings import MigrationSettings
from storage_core.plan.protecting import entries_text

_ALL = "select entity, inherits, before_list, during_list from protection order by begun_at, entity"


class ProtectionTables:
    """Implements ports.protection.ProtectionLedger, but for `containers`."""

    def __init__(self, database: Database, settings: MigrationSettings) -> None:
        self._database = database
        self._settings = settings

    def protections(self) -> tuple[Protection, ...]:
        """See ports.protection.ProtectionLedger."""
        return tuple(
            Protection(entity_id=entity_id_of(entity), inherits=inherits, before=_read(before), during=_read(during))
            for entity, inherits, before, during in self._database.rows(_ALL)
        )

    def begin_protection(self, protection: Protection) -> None:
        """See ports.protection.ProtectionLedger."""
        entity = entity_number(protection.entity_id)
        with self._database.transaction():
            self._database.rows(
                "insert into protection values (?, ?, ?, ?, ?)",
                [
                    entity,
                    protection.inherits,
                    _text(protection.before),
                    _text(protection.during),
                    self._database.now(),
                ],
            )
            kind = "inherited" if protection.inherits else "own"
            told = f"{kind} access list before: {entries_text(protection.before)}"
            self._database.journal([("protecting", "entity", entity, told)])

    def end_protection(self, protection: Protection, told: str) -> None:
        """See ports.protection.ProtectionLedger."""
        entity = entity_number(protection.entity_id)
        with self._database.transaction():
            self._database.rows("delete from protection where entity = ?", [entity])
            self._database.journal([("protection ended", "entity", entity, told)])


def _text(entries: AccessEntries) -> str:
    return json.dumps([[entry.principal, sorted(entry.rights)] for entry in entries])


def _read(text: str) -> AccessEntries:
    return tuple(AccessEntry(principal=principal, rights=frozenset(rights)) for principal, rights in json.loads(text))
