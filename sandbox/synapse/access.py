"""Who may do what: access lists, inherited from the nearest entity that has its own (contract 10)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sandbox.synapse.entities import ROOT_ID
from sandbox.synapse.http import Json, Refused
from sandbox.synapse.principals import User

if TYPE_CHECKING:
    from sandbox.synapse.world import World


class Right(StrEnum):
    """One thing an access list may allow."""

    READ = "READ"
    DOWNLOAD = "DOWNLOAD"
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CHANGE_PERMISSIONS = "CHANGE_PERMISSIONS"
    CHANGE_SETTINGS = "CHANGE_SETTINGS"
    MODERATE = "MODERATE"


ALL_RIGHTS = frozenset(right.value for right in Right)
CERTIFICATION_REQUIRED = "USER_CERTIFICATION_REQUIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acl:
    """An access list: principal id to rights."""

    entity_id: str
    etag: str
    created_on: str
    rights: dict[int, frozenset[str]]

    def allows(self, principal_ids: frozenset[int], right: str) -> bool:
        """Whether any of the principals has the right."""
        return any(right in rights for principal_id, rights in self.rights.items() if principal_id in principal_ids)

    def as_json(self) -> Json:
        """The list as the service sends it."""
        return {
            "id": self.entity_id,
            "etag": self.etag,
            "creationDate": self.created_on,
            "resourceAccess": [
                {"principalId": principal_id, "accessType": sorted(rights)}
                for principal_id, rights in self.rights.items()
            ],
        }


class Access:
    """The access lists. `may` and `require` are the only doors to a decision."""

    def __init__(self) -> None:
        self._acls: dict[str, Acl] = {}
        self._unmet_requirements: set[str] = set()

    def own_acl(self, entity_id: str) -> Acl | None:
        """The entity's own list; None when it inherits."""
        return self._acls.get(entity_id)

    def put(self, world: "World", entity_id: str, rights: dict[int, frozenset[str]]) -> Acl:
        """Give the entity its own list, or replace it. Nothing is checked."""
        old = self._acls.get(entity_id)
        created_on = old.created_on if old else world.clock.stamp()
        acl = Acl(entity_id=entity_id, etag=world.ids.uuid(), created_on=created_on, rights=rights)
        self._acls[entity_id] = acl
        return acl

    def make_owner(self, world: "World", entity_id: str, user_id: str) -> Acl:
        """The list a new project gets: every right for its creator."""
        return self.put(world, entity_id, {int(user_id): ALL_RIGHTS})

    def drop(self, entity_id: str) -> None:
        """Back to inheritance."""
        self._acls.pop(entity_id, None)

    def benefactor_of(self, world: "World", entity_id: str) -> str:
        """The id of the entity whose list governs this one: itself or its nearest ancestor with an own list."""
        here = entity_id
        while here not in self._acls and here != ROOT_ID:
            entity = world.entities.get(here)
            here = entity.parent_id if entity else ROOT_ID
        return here

    def may(self, world: "World", user: User, entity_id: str, right: str) -> bool:
        """Whether *user* has *right* on the entity; administrators always have."""
        if user.is_administrator:
            return True
        acl = self._acls.get(self.benefactor_of(world, entity_id))
        return acl is not None and acl.allows(world.principals.principal_ids(user), right)

    def may_download(self, world: "World", user: User, entity_id: str) -> bool:
        """DOWNLOAD and no unmet access requirement (contract 10.3)."""
        if entity_id in self._unmet_requirements and not user.is_administrator:
            return False
        return self.may(world, user, entity_id, Right.DOWNLOAD)

    def restrict(self, entity_id: str) -> None:
        """Put an access requirement on the entity that nobody but administrators has met."""
        self._unmet_requirements.add(entity_id)

    def is_restricted(self, entity_id: str) -> bool:
        """Whether an unmet access requirement lies on the entity."""
        return entity_id in self._unmet_requirements

    def require(self, world: "World", user: User, entity_id: str, right: str) -> None:
        """Refuse with 404 when the entity is missing, with 403 when the right is."""
        entity = world.entities.require(entity_id)
        if not self.may(world, user, entity.id, right):
            raise Refused(403, f"You lack {right} access to the requested entity: {entity.id}.")

    def require_certified(self, user: User) -> None:
        """Refuse people who have not passed the certification quiz, as content changes do."""
        if not (user.is_certified or user.is_administrator):
            raise Refused(
                403, "Only certified users may create or update content in Synapse.", error_code=CERTIFICATION_REQUIRED
            )
