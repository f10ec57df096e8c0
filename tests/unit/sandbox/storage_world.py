"""A small world for the tests about storage: two people, a project, buckets, and calls without a network."""

import hashlib
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from sandbox.clock import SandboxClock
from sandbox.objects.contents import Content, MemoryContent, slice_of
from sandbox.objects.store import ObjectStore
from sandbox.synapse import (
    external_handles,
    locations,
    multipart_routes,
    restores,
    settings,
    sts,
    upload_destinations,
)
from sandbox.synapse.access import ALL_RIGHTS
from sandbox.synapse.entities import ROOT_ID, Entity
from sandbox.synapse.handles import Handle, HandleKind
from sandbox.synapse.http import Answer, Call, Json, Refused, without_nulls
from sandbox.synapse.kinds import Kind
from sandbox.synapse.principals import User
from sandbox.synapse.routing import Routes
from sandbox.synapse.world import World

MIB = 1024**2
GIB = 1024**3
MODULES = (external_handles, locations, multipart_routes, restores, settings, sts, upload_destinations)
LOCATION_TYPE = "org.sagebionetworks.repo.model.project."
HANDLE_TYPE = "org.sagebionetworks.repo.model.file."


def md5_of(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def new_world() -> World:
    clock = SandboxClock()
    return World(clock=clock, objects=ObjectStore(clock=clock))


def _sent(answer: Answer) -> Json:
    """The body as it would travel."""
    body: Json = without_nulls(answer.json or {})
    return body


@dataclass
class Service:
    """The storage calls of one world, made by the steward unless told otherwise."""

    world: World = field(default_factory=new_world)
    routes: Routes = field(default_factory=lambda: Routes([route for module in MODULES for route in module.ROUTES]))

    @property
    def steward(self) -> User:
        return self.world.principals.demo

    @property
    def colleague(self) -> User:
        return self.world.principals.colleague

    @property
    def administrator(self) -> User:
        return self.world.principals.administrator

    def answer(self, method: str, address: str, body: Json | None = None, *, user: User | None = None) -> Answer:
        parts = urlsplit(address)
        route, path = self.routes.find(method, parts.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        call = Call(user=user or self.steward, path=path, query=query, body=body or {})
        return route.handler(self.world, call)

    def get(self, address: str, *, user: User | None = None) -> Json:
        return _sent(self.answer("GET", address, user=user))

    def post(self, address: str, body: Json, *, user: User | None = None) -> Json:
        return _sent(self.answer("POST", address, body, user=user))

    def put(self, address: str, body: Json | None = None, *, user: User | None = None) -> Json:
        return _sent(self.answer("PUT", address, body, user=user))

    def status(self, method: str, address: str, body: Json | None = None, *, user: User | None = None) -> int:
        """The status of the answer, refusals included."""
        try:
            return self.answer(method, address, body, user=user).status
        except Refused as refusal:
            return refusal.status

    def project(self, name: str = "project", *, owner: User | None = None) -> Entity:
        """A project where its owner may do everything and nobody else anything."""
        who = owner or self.steward
        entity = self.world.entities.add(self.world, kind=Kind.PROJECT, name=name, parent_id=ROOT_ID, created_by=who.id)
        self.world.access.put(self.world, entity.id, {int(who.id): ALL_RIGHTS})
        return entity

    def folder(self, parent: Entity, name: str = "folder") -> Entity:
        return self.world.entities.add(
            self.world, kind=Kind.FOLDER, name=name, parent_id=parent.id, created_by=self.steward.id
        )

    def file(self, parent: Entity, handle: Handle, name: str = "a.csv") -> Entity:
        return self.world.entities.add(
            self.world,
            kind=Kind.FILE,
            name=name,
            parent_id=parent.id,
            created_by=handle.created_by,
            handle_id=handle.id,
        )

    def bucket(self, name: str, *, owner: User | None = None, base_key: str = "", region: str = "us-east-1") -> str:
        """A bucket whose owner file names the owner."""
        self.world.objects.create_bucket(name, region=region)
        key = f"{base_key}/owner.txt" if base_key else "owner.txt"
        self.world.objects.put(name, key, (owner or self.steward).name.encode())
        return name

    def location(self, kind: str, *, user: User | None = None, **fields: object) -> int:
        """A fresh location of that class; its id."""
        body = {"concreteType": LOCATION_TYPE + kind, **fields}
        return int(self.post("/repo/v1/storageLocation", body, user=user)["storageLocationId"])

    def external_s3(self, bucket: str, *, user: User | None = None, **fields: object) -> int:
        return self.location("ExternalS3StorageLocationSetting", user=user, bucket=bucket, **fields)

    def synapse_s3(self, *, user: User | None = None, **fields: object) -> int:
        return self.location("S3StorageLocationSetting", user=user, **fields)

    def set_locations(self, entity: Entity, *location_ids: int) -> Json:
        body = {"concreteType": settings.UPLOAD_LIST, "projectId": entity.id, "locations": list(location_ids)}
        return self.post("/repo/v1/projectSettings", body)

    def stored(
        self,
        data: bytes,
        *,
        bucket: str = locations.SYNAPSE_BUCKET,
        location_id: int | None = 1,
        key: str = "3413/x/a.csv",
    ) -> Handle:
        """A handle of the colleague's with its object."""
        self.world.objects.put(bucket, key, data)
        return self.handle(bucket=bucket, key=key, size=len(data), md5=md5_of(data), location_id=location_id)

    def declared(self, size: int, *, bucket: str = locations.SYNAPSE_BUCKET, key: str = "3413/x/big.bin") -> Handle:
        """A handle of the colleague's whose object has a size and an MD5, but no bytes."""
        md5 = md5_of(key.encode())
        self.world.objects.put_virtual(bucket, key, size=size, md5=md5)
        return self.handle(bucket=bucket, key=key, size=size, md5=md5, location_id=1)

    def handle(self, *, bucket: str, key: str, size: int, md5: str, location_id: int | None) -> Handle:
        return self.world.handles.add(
            self.world,
            kind=HandleKind.S3,
            created_by=self.colleague.id,
            bucket=bucket,
            key=key,
            content_size=size,
            content_md5=md5,
            storage_location_id=location_id,
            file_name=key.rsplit("/", 1)[-1],
            content_type="text/csv",
        )

    def send_part(self, part: Json, data: bytes = b"") -> str:
        """What the object store does with a presigned PUT; the ETag it answers."""
        address = urlsplit(part["uploadPresignedUrl"])
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        bucket, _, key = unquote(address.path).lstrip("/").partition("/")
        headers = part.get("signedHeaders", {})
        objects = self.world.objects
        content: Content = MemoryContent(data)
        if "x-amz-copy-source" in headers:
            from_bucket, _, from_key = unquote(headers["x-amz-copy-source"]).lstrip("/").partition("/")
            first, last = headers["x-amz-copy-source-range"].removeprefix("bytes=").split("-")
            content = slice_of(objects.get(from_bucket, from_key).content, int(first), int(last))
        return objects.put_part(bucket, key, query["uploadId"], int(query["partNumber"]), content).etag
