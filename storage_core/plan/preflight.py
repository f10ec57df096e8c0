"""What must be true before anything is indexed, and what a steward should know before agreeing. Pure."""

from dataclasses import dataclass

from storage_core.errors import AccessError, UsageError
from storage_core.model.destinations import LocationFacts, LocationKind
from storage_core.model.entities import RootSnapshot, UserProfile
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.plans import Finding, FindingLevel
from storage_core.model.settings import MigrationSettings

_SCOPES = frozenset({"view", "download", "modify"})
_CAN_RECEIVE = {
    LocationKind.SYNAPSE_S3,
    LocationKind.EXTERNAL_S3,
    LocationKind.EXTERNAL_GOOGLE_CLOUD,
    LocationKind.EXTERNAL_OBJECT_STORE,
    LocationKind.EXTERNAL_SFTP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightFacts:
    """What preflight asked Synapse.

    Attributes:
        default_locations: where each root's next upload goes; None for a proxy, which the service does not describe.
    """

    user: UserProfile
    destination: LocationFacts
    roots: tuple[RootSnapshot, ...]
    default_locations: tuple[tuple[EntityId, StorageLocationId | None], ...] = ()


def check_settings(settings: MigrationSettings) -> None:
    """Refuse settings that contradict themselves; needs no call.

    Raises:
        UsageError: nothing to start at, or the destination is named as a source.
    """
    if not settings.roots:
        raise UsageError("No entity to migrate was given.", fix="Name a project, folder or file, for example syn123.")
    if settings.destination in settings.source_location_ids:
        raise UsageError(
            f"Storage location {settings.destination} is both source and destination.",
            fix="Leave it out of --source-storage-location-ids, or choose another destination.",
        )


def check_destination(settings: MigrationSettings, destination: LocationFacts) -> None:
    """Refuse a destination that cannot receive a migration (contract 3.2, 8.4).

    Raises:
        UsageError: the location's type takes no copies, or it is an STS location.
    """
    if destination.kind not in _CAN_RECEIVE:
        raise UsageError(
            f"Storage location {settings.destination} is of type {destination.kind}; it cannot receive copies.",
            fix="Nothing can be uploaded there. Choose a destination of type EXTERNAL_S3 or SYNAPSE_S3; engine relay"
            " also writes to EXTERNAL_GOOGLE_CLOUD, EXTERNAL_OBJECT_STORE and EXTERNAL_SFTP.",
        )
    if destination.sts_enabled:
        raise UsageError(
            f"Storage location {settings.destination} is STS-enabled; Synapse lets files refer to it only when they "
            "are created inside its own, initially empty folder, so existing files cannot be moved there.",
            fix="Choose a destination without STS, or upload the files anew into a folder of that location.",
        )


def check_scopes(user: UserProfile) -> None:
    """Refuse a token that says itself that it may not do what a migration does (contract 1.1).

    Raises:
        AccessError: with the scopes that are missing.
    """
    missing = sorted(_SCOPES - user.scopes) if user.scopes is not None else []
    if missing:
        raise AccessError(
            f"The access token of {user.user_name} lacks the scope {' and '.join(missing)}.",
            fix="Make a token with the scopes view, download and modify.",
        )


def check_access(facts: PreflightFacts) -> None:
    """Refuse to start where the user may not read or change the root.

    Raises:
        AccessError: with the right that is missing.
    """
    for root in facts.roots:
        missing = [
            right
            for right, held in (
                ("download", root.permissions.can_download),
                ("edit", root.permissions.can_edit),
            )
            if not held
        ]
        if missing:
            raise AccessError(
                f"User {facts.user.user_name} may not {' or '.join(missing)} {root.header.id} ({root.header.name}).",
                fix="Ask an administrator of the project for 'Can edit & delete', or sign in as another user.",
            )


def findings(facts: PreflightFacts, settings: MigrationSettings) -> tuple[Finding, ...]:
    """What is allowed, but should be known."""
    found = [
        Finding(
            level=FindingLevel.WARNING,
            what=f"New uploads to {entity} still go to {_named(location)}, not to {settings.destination}.",
            fix="Add --set-default to `migrate`, or use `setting set`; or new files have to be migrated again.",
        )
        for entity, location in facts.default_locations
        if location != settings.destination
    ]
    found += [
        Finding(
            level=FindingLevel.WARNING,
            what=f"User {facts.user.user_name} is not certified; Synapse refuses changes of files to such users.",
            fix="Take the certification quiz in Synapse first.",
        )
        for root in facts.roots[:1]
        if not root.permissions.is_certified
    ]
    return tuple(found)


def unknown_provenance(files: int) -> tuple[Finding, ...]:
    """What agreeing means for files that are said to have no provenance."""
    if not files:
        return ()
    return (
        Finding(
            level=FindingLevel.WARNING,
            what=f"Nobody looked whether {files:,} files have provenance (--no-provenance); new versions get none.",
            fix="If some have, index again without --no-provenance.",
        ),
    )


def _named(location: StorageLocationId | None) -> str:
    return "a proxy" if location is None else f"storage location {location}"
