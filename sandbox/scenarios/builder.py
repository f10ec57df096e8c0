"""What every scenario is built with: buckets, locations, folders, files, and the record of what was meant."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import TypedDict, Unpack

from sandbox.objects.contents import MemoryContent, VirtualContent
from sandbox.objects.records import GIB, MIB, Attributes
from sandbox.scenarios.facts import (
    Annotations,
    Expectation,
    ExpectedCell,
    ExpectedVersion,
    ScenarioFacts,
    Trait,
)
from sandbox.synapse.access import ALL_RIGHTS, Right
from sandbox.synapse.entities import ROOT_ID, Entity
from sandbox.synapse.handles import Handle, HandleKind
from sandbox.synapse.http import Json
from sandbox.synapse.kinds import Kind
from sandbox.synapse.location_types import LocationClass
from sandbox.synapse.locations import DEFAULT_LOCATION_ID, SYNAPSE_BUCKET, SYNAPSE_REGION, Location, create_location
from sandbox.synapse.principals import User
from sandbox.synapse.world import World

DESTINATION_BUCKET = "lab-archive"
DESTINATION_BASE_KEY = "synapse/migrated"
FAR_BUCKET = "lab-archive-eu"
FAR_REGION = "eu-central-1"
UPLOAD_PART_BYTES = 8 * MIB
_COLLEAGUE_RIGHTS = frozenset({Right.READ, Right.DOWNLOAD, Right.CREATE, Right.UPDATE, Right.DELETE})


class VersionWords(TypedDict, total=False):
    """What may be said about a version besides its file."""

    label: str | None
    comment: str | None
    description: str | None
    activity_id: str | None
    annotations: Annotations
    trait: Trait


@dataclass(slots=True)
class Builder:
    """Builds below one project and remembers what it built.

    Everything is made with the stores' own methods, so nothing the service would check is in the way.
    """

    world: World
    name: str
    seed: int
    versions: list[ExpectedVersion] = field(default_factory=list)
    cells: list[ExpectedCell] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    landmarks: dict[str, str] = field(default_factory=dict)
    random: Random = field(init=False)
    destination: Location = field(init=False)
    far: Location = field(init=False)
    _paths: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.world.objects.create_bucket(SYNAPSE_BUCKET, region=SYNAPSE_REGION)
        self.destination = self.external_location(DESTINATION_BUCKET, base_key=DESTINATION_BASE_KEY)
        self.far = self.external_location(FAR_BUCKET, base_key="", region=FAR_REGION)

    @property
    def steward(self) -> User:
        """The demo user, who owns the project and the destinations."""
        return self.world.principals.demo

    @property
    def colleague(self) -> User:
        """Who uploaded many of the files."""
        return self.world.principals.colleague

    @contextmanager
    def days_ago(self, days: float) -> Iterator[None]:
        """Whatever is made in the block was made so many days ago."""
        clock = self.world.clock
        present = clock.shift
        clock.shift = present - timedelta(days=days)
        try:
            yield
        finally:
            clock.shift = present

    def external_location(
        self, bucket: str, *, base_key: str, region: str = SYNAPSE_REGION, sts_enabled: bool = False
    ) -> Location:
        """An external S3 location of the steward's, with a bucket that says so."""
        self.world.objects.create_bucket(bucket, region=region)
        proof = f"{base_key}/owner.txt" if base_key else "owner.txt"
        self.world.objects.put(bucket, proof, self.steward.name.encode())
        return self.location(LocationClass.EXTERNAL_S3, bucket=bucket, baseKey=base_key, stsEnabled=sts_enabled)

    def location(self, kind: LocationClass, **fields: object) -> Location:
        """A location of the steward's."""
        return create_location(self.world, self.steward, {"concreteType": str(kind), **fields})

    def project(self, name: str) -> Entity:
        """The root: the steward's, editable by the colleague."""
        project = self.world.entities.add(
            self.world, kind=Kind.PROJECT, name=name, parent_id=ROOT_ID, created_by=self.steward.id
        )
        rights = {int(self.steward.id): ALL_RIGHTS, int(self.colleague.id): _COLLEAGUE_RIGHTS}
        self.world.access.put(self.world, project.id, rights)
        self._paths[project.id] = ""
        return project

    def entity(self, kind: Kind, parent: Entity, name: str, *, fields: Json | None = None) -> Entity:
        """An entity without a file."""
        made = self.world.entities.add(
            self.world, kind=kind, name=name, parent_id=parent.id, created_by=self.steward.id, fields=fields or {}
        )
        self.counts[kind.value] += 1
        return made

    def folder(self, parent: Entity, name: str) -> Entity:
        """A folder."""
        made = self.entity(Kind.FOLDER, parent, name)
        self._paths[made.id] = f"{self._paths[parent.id]}/{name}".lstrip("/")
        return made

    def path_of(self, container: Entity) -> str:
        """The names above and including the container, below the project."""
        return self._paths[container.id]

    def object_handle(
        self,
        content: MemoryContent | VirtualContent,
        file_name: str,
        *,
        location: Location | None = None,
        owner: User | None = None,
        attributes: Attributes | None = None,
        **words: Unpack["HandleWords"],
    ) -> Handle:
        """A handle with its object, by default in Synapse's own storage, uploaded in parts as clients do."""
        who = owner or self.colleague
        bucket = (location.bucket if location else None) or SYNAPSE_BUCKET
        base_key = f"{location.base_key}/" if location and location.base_key else ""
        key = f"{base_key}{who.id}/{self.world.ids.uuid()}/{file_name}"
        described = attributes or Attributes(content_type=_content_type(file_name))
        self.world.objects.put_in_parts(bucket, key, content, part_size=_part_size(content.size), attributes=described)
        return self.world.handles.add(
            self.world,
            kind=words.get("kind", HandleKind.S3),
            created_by=who.id,
            file_name=file_name,
            content_type=described.content_type,
            content_md5=words.get("md5", content.whole_digest()),
            content_size=content.size,
            storage_location_id=words.get("location_id", location.id if location else DEFAULT_LOCATION_ID),
            status=words.get("status", "AVAILABLE"),
            bucket=bucket,
            key=key,
        )

    def text_handle(self, text: str, file_name: str, *, location: Location | None = None) -> Handle:
        """A small real file."""
        return self.object_handle(MemoryContent(text.encode()), file_name, location=location)

    def virtual_handle(self, size: int, file_name: str, *, location: Location | None = None) -> Handle:
        """A file that is only declared."""
        md5 = hashlib.md5(f"{self.seed}:{file_name}:{size}".encode(), usedforsecurity=False).hexdigest()
        return self.object_handle(VirtualContent(size, md5, self.seed), file_name, location=location)

    def file(self, parent: Entity, name: str, handle: Handle, **words: Unpack[VersionWords]) -> Entity:
        """A file entity with its first version."""
        made = self.world.entities.add(
            self.world,
            kind=Kind.FILE,
            name=name,
            parent_id=parent.id,
            created_by=self.steward.id,
            handle_id=handle.id,
            **_version_content(words),
        )
        self.counts[Kind.FILE.value] += 1
        self._remember(made, self._paths[parent.id], handle, words)
        return made

    def version(self, entity: Entity, handle: Handle, **words: Unpack[VersionWords]) -> None:
        """A further version, which becomes the current one."""
        self.world.entities.add_version(
            self.world, entity, modified_by=self.steward.id, handle_id=handle.id, **_version_content(words)
        )
        self._remember(entity, self._paths[entity.parent_id], handle, words)

    def activity(self, name: str, *used: Entity) -> str:
        """The id of a new activity that used the current versions of these entities."""
        references = tuple(
            {
                "concreteType": "org.sagebionetworks.repo.model.provenance.UsedEntity",
                "reference": {"targetId": one.id, "targetVersionNumber": one.current.number},
                "wasExecuted": False,
            }
            for one in used
        )
        return self.world.entities.activities.add(self.world, created_by=self.steward.id, name=name, used=references).id

    def facts(self, root: Entity, *, sources: tuple[Location, ...] = ()) -> ScenarioFacts:
        """The finished scenario."""
        return ScenarioFacts(
            name=self.name,
            root_id=root.id,
            source_location_ids=(DEFAULT_LOCATION_ID, *(source.id for source in sources)),
            destination_id=self.destination.id,
            far_id=self.far.id,
            owner_token=self.world.principals.demo_token,
            source_bucket=SYNAPSE_BUCKET,
            destination_bucket=DESTINATION_BUCKET,
            destination_base_key=DESTINATION_BASE_KEY,
            expectation=Expectation(
                versions=tuple(_with_current_marked(self.versions)),
                cells=tuple(self.cells),
                entity_counts=dict(self.counts),
            ),
            unreadable_ids=tuple(one.entity_id for one in self.versions if one.trait is Trait.NOT_DOWNLOADABLE),
            landmarks=dict(self.landmarks),
        )

    def _remember(self, entity: Entity, path: str, handle: Handle, words: VersionWords) -> None:
        number = entity.current.number
        self.versions.append(
            ExpectedVersion(
                entity_id=entity.id,
                name=entity.name,
                path=path,
                number=number,
                is_current=True,
                label=words.get("label") or str(number),
                handle_id=handle.id,
                file_name=handle.file_name or "",
                size=handle.content_size,
                md5=handle.content_md5,
                location_id=handle.storage_location_id,
                trait=words.get("trait", Trait.ORDINARY),
                comment=words.get("comment"),
                description=words.get("description"),
                activity_id=words.get("activity_id"),
                annotations=words.get("annotations", {}),
            )
        )


class HandleWords(TypedDict, total=False):
    """What may be unusual about a handle."""

    kind: HandleKind
    md5: str | None
    location_id: int | None
    status: str


def _version_content(words: VersionWords) -> "VersionRecord":
    annotations = words.get("annotations", {})
    return VersionRecord(
        label=words.get("label"),
        comment=words.get("comment"),
        description=words.get("description"),
        activity_id=words.get("activity_id"),
        annotations={name: {"type": kind, "value": list(values)} for name, (kind, values) in annotations.items()},
    )


class VersionRecord(TypedDict):
    """A version as the entity store takes it, without the file."""

    label: str | None
    comment: str | None
    description: str | None
    activity_id: str | None
    annotations: Json


def _with_current_marked(versions: list[ExpectedVersion]) -> Iterator[ExpectedVersion]:
    newest = {version.entity_id: version.number for version in versions}
    for version in versions:
        is_current = newest[version.entity_id] == version.number
        yield version if is_current else replace(version, is_current=False)


def _part_size(size: int) -> int:
    """8 MiB as clients use, more where that would make thousands of parts."""
    return UPLOAD_PART_BYTES if size <= GIB else 64 * MIB


def _content_type(file_name: str) -> str:
    extension = file_name.rpartition(".")[2].lower()
    return _CONTENT_TYPES.get(extension, "application/octet-stream")


_CONTENT_TYPES = {"txt": "text/plain", "md": "text/markdown", "csv": "text/csv", "tsv": "text/tab-separated-values"}
