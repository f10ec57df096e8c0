"""The seam behind which storage locations, project settings and temporary credentials lie.

Like all network ports: asynchronous, called on the one loop that owns the network; for its errors see `ports`.
"""

from pathlib import Path
from typing import Protocol

from storage_core.locations.location import Location
from storage_core.model.credentials import StsPermission, StsToken
from storage_core.model.destinations import LocationFacts
from storage_core.model.entities import EntityHeader, RootSnapshot, UserProfile
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.upload_settings import ContainerListing, UploadSetting


class Locations(Protocol):
    """Storage locations: immutable and permanent."""

    async def create_location(self, location: Location) -> Location:
        """Create it, or get the equal one that the caller has (contract 2.4). One call.

        AnswerLost only for locations that are made anew each time.
        """
        ...

    async def location(self, location_id: StorageLocationId) -> Location:
        """One of the caller's own, whole. One call. Forbidden for everybody else's."""
        ...

    async def my_locations(self) -> tuple[Location, ...]:
        """The caller's own, newest first, at most 100. One call."""
        ...

    async def location_seen_from(self, entity_id: EntityId, location_id: StorageLocationId) -> LocationFacts:
        """Anybody's, as an uploader sees it. One call. BadRequest for a proxy."""
        ...

    async def default_destination(self, entity_id: EntityId) -> LocationFacts:
        """Where the entity's next upload goes. One call. BadRequest for a proxy."""
        ...

    async def effective_ids(self, entity_id: EntityId) -> tuple[StorageLocationId, ...]:
        """All ids that apply to the entity, in no particular order. One call."""
        ...


class Settings(Protocol):
    """Project settings: which locations a project or folder uses."""

    async def setting(self, entity_id: EntityId) -> UploadSetting | None:
        """The entity's own, nothing inherited. One call."""
        ...

    async def create_setting(self, setting: UploadSetting) -> UploadSetting:
        """Attach locations for the first time. One call. BadRequest when somebody was faster; AnswerLost."""
        ...

    async def update_setting(self, setting: UploadSetting) -> None:
        """Replace the list. One call. PreconditionFailed when the etag is old; AnswerLost."""
        ...

    async def delete_setting(self, setting_id: str) -> None:
        """Remove it. One call. NotFound when it is gone; AnswerLost."""
        ...


class Containers(Protocol):
    """Projects and folders."""

    async def root(self, entity_id: EntityId) -> RootSnapshot:
        """Any entity with its path. One call."""
        ...

    async def container(self, container_id: EntityId) -> ContainerListing:
        """Its folders and its number of files. One call for up to 50 children, else some more."""
        ...

    async def folder_named(self, name: str, parent_id: EntityId) -> EntityHeader:
        """The folder of that name, made when it is missing. One or two calls."""
        ...


class Storage(Locations, Settings, Containers, Protocol):
    """All of it, and the caller."""

    async def me(self) -> UserProfile:
        """Who is signed in. One call."""
        ...

    async def sts_token(self, entity_id: EntityId, permission: StsPermission) -> StsToken:
        """Fresh temporary credentials. One call. BadRequest where none are given."""
        ...


class OwnerFile(Protocol):
    """Writes owner.txt with the user's own keys; called on any thread but the network's."""

    def name(self, *, bucket: str, base_key: str | None, owners: tuple[str, ...]) -> str:
        """Make owner.txt name these owners, those it names already included; return its key.

        Raises:
            AccessError: the keys are missing, or may not do this.
            UsageError: there is no such bucket.
        """
        ...


class ExportBucket(Protocol):
    """A folder in a bucket that takes exports; in words it is its address.

    Both methods raise AccessError when the keys may not do this, UsageError when there is no such bucket, and
    ServiceUnavailable when nobody answers.
    """

    def read(self, name: str) -> bytes | None:
        """What is there under this name; None when nothing is."""
        ...

    def write(self, name: str, path: Path, *, content_type: str) -> None:
        """Put the file *path* there, whole or not at all; its bytes are checked on arrival."""
        ...
