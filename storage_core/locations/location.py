"""What all types of storage location have in common."""

from dataclasses import dataclass
from typing import ClassVar, Final

from storage_core.locations.attributes import Attribute, attribute
from storage_core.model.credentials import StsPermission
from storage_core.model.destinations import UploadType
from storage_core.model.ids import PrincipalId, StorageLocationId

PREFIX: Final = "org.sagebionetworks.repo.model.project."


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a type can do, as data, so that nobody has to ask for its name.

    Attributes:
        sts: the permissions for which temporary credentials exist, when they are enabled at all.
        needs_owner_file: the service looks for owner.txt in the bucket before it creates one (contract 2.3).
        has_owner_file_on_s3: that object is on S3, so the user's AWS keys may write it.
        is_attached_by_creator_only: nobody else may put it into a project setting (contract 3).
        has_upload_destination: the service tells uploaders about it (contract 4).
        holds_bytes_synapse_reads: Synapse itself can open the objects and hands out presigned addresses.
    """

    sts: frozenset[StsPermission] = frozenset()
    needs_owner_file: bool = False
    has_owner_file_on_s3: bool = False
    is_attached_by_creator_only: bool = False
    has_upload_destination: bool = True
    holds_bytes_synapse_reads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the service adds to a location that exists."""

    id: StorageLocationId
    etag: str | None = None
    created_on: str | None = None
    created_by: PrincipalId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A storage location of any type: the base of the records, and the record of a type nobody taught us.

    Attributes:
        upload_type: the protocol as the wire spells it; a word we do not know stays what it is.
        stored: None for one that is still to be created.
        unknown_json: a JSON object of the fields no attribute stands for; they go back as they came.
    """

    CONCRETE_TYPE: ClassVar[str] = ""
    UPLOAD_TYPES: ClassVar[tuple[UploadType, ...]] = ()
    """Those it may have; the first is the default. None: any."""
    IS_TOLD_APART_BY_UPLOAD_TYPE: ClassVar[bool] = False
    """Two types share a concrete type, and only the upload type says which one it is."""
    PURPOSE: ClassVar[str] = ""
    CAPABILITIES: ClassVar[Capabilities] = Capabilities()

    concrete_type: str
    upload_type: str
    banner: str | None = attribute(Attribute(wire="banner"))
    description: str | None = attribute(Attribute(wire="description"))
    stored: Stored | None = None
    unknown_json: str = "{}"

    @property
    def gives_credentials(self) -> bool:
        """Whether temporary credentials are enabled for it."""
        return bool(self.CAPABILITIES.sts) and getattr(self, "sts_enabled", False) is True

    @property
    def is_made_anew_each_time(self) -> bool:
        """Whether creating it twice makes two, against the rule (contract 2.4)."""
        return False
