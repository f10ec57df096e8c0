"""Ask Synapse, in a handful of calls, whether a migration can work at all."""

from storage_core.errors import AccessError, BadRequest, Forbidden, NotFound, UsageError
from storage_core.model.destinations import LocationFacts
from storage_core.model.entities import RootSnapshot
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.settings import MigrationSettings
from storage_core.plan.preflight import PreflightFacts, check_access, check_destination, check_scopes, check_settings
from storage_core.ports.catalog import Catalog


async def preflight(settings: MigrationSettings, catalog: Catalog) -> PreflightFacts:
    """Check everything that would make every file fail. Two calls, and two per root.

    Raises:
        UsageError: something named does not exist or cannot be used so.
        AccessError: the user may not do this, or is nobody.
    """
    check_settings(settings)
    user = await catalog.me()
    check_scopes(user)
    destination = await _destination(settings, catalog)
    check_destination(settings, destination)
    roots = tuple([await _root(root, catalog) for root in settings.roots])
    defaults = tuple(
        [
            (root.header.id, await _default_location(root.header.id, catalog))
            for root in roots
            if root.header.kind.is_container
        ]
    )
    facts = PreflightFacts(user=user, destination=destination, roots=roots, default_locations=defaults)
    check_access(facts)
    return facts


async def _default_location(entity_id: EntityId, catalog: Catalog) -> StorageLocationId | None:
    try:
        return await catalog.default_location(entity_id)
    except BadRequest:
        return None  # a proxy: the service does not describe it to uploaders (contract 4)


async def _destination(settings: MigrationSettings, catalog: Catalog) -> LocationFacts:
    location = settings.destination
    try:
        return await catalog.location(location)
    except Forbidden as error:
        raise AccessError(
            f"Storage location {location} belongs to somebody else; Synapse copies only to locations of one's own.",
            fix="Sign in as its creator, or create a location of your own and use its id "
            "(to move back into Synapse storage, create one of type SYNAPSE_S3).",
        ) from error
    except NotFound as error:
        raise UsageError(
            f"Storage location {location} does not exist.", fix="Look the id up with `synapse-storage location list`."
        ) from error


async def _root(entity_id: EntityId, catalog: Catalog) -> RootSnapshot:
    try:
        return await catalog.root(entity_id)
    except NotFound as error:
        raise UsageError(
            f"{entity_id} was not found: {error.reason}.",
            fix="Check the id; an entity in the trash has to be restored first.",
        ) from error
    except Forbidden as error:
        raise AccessError(
            f"You may not read {entity_id}.", fix="Ask its owner for access, or sign in as another user."
        ) from error
