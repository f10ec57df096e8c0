"""Access lists: JSON and records (contract 10.1)."""

from storage_core.model.ids import EntityId
from storage_core.model.protection import AccessEntries, AccessEntry, AccessList
from storage_core.synapse.calls import Answer, JsonObject
from storage_core.synapse.wire_fields import Fields


def read_access_list(answer: Answer) -> AccessList:
    """Read an entity's own list."""
    body = Fields.of(answer)
    return AccessList(
        entity_id=EntityId(body.id("id")),
        etag=body.text("etag"),
        entries=tuple(
            AccessEntry(
                principal=entry.whole("principalId"), rights=frozenset(filter(None, entry.optional_texts("accessType")))
            )
            for entry in body.inners("resourceAccess")
        ),
    )


def access_list_body(entity_id: EntityId, entries: AccessEntries, *, etag: str | None = None) -> JsonObject:
    """Write a list; with the etag of the one it replaces."""
    body: JsonObject = {
        "id": entity_id,
        "resourceAccess": [
            {"principalId": entry.principal, "accessType": sorted(entry.rights)} for entry in entries if entry.rights
        ],
    }
    return body if etag is None else {**body, "etag": etag}


_RIGHTS = {
    "canView": "READ",
    "canDownload": "DOWNLOAD",
    "canCertifiedUserAddChild": "CREATE",
    "canCertifiedUserEdit": "UPDATE",
    "canDelete": "DELETE",
    "canChangePermissions": "CHANGE_PERMISSIONS",
    "canChangeSettings": "CHANGE_SETTINGS",
    "canModerate": "MODERATE",
}


def read_rights(answer: Answer) -> frozenset[str]:
    """Read what a user may do, in the words of access lists, whether certified or not."""
    fields = Fields.of(answer)
    return frozenset(right for name, right in _RIGHTS.items() if fields.flag(name))


def read_benefactor(answer: Answer) -> EntityId:
    """Read whose list governs an entity."""
    return EntityId(Fields.of(answer).id("id"))
