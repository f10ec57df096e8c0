"""Asks the Synapse application over ASGI, without a socket, and builds small projects for the tests to ask about."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from sandbox.asgi import CUT
from sandbox.clock import SandboxClock
from sandbox.control import Control
from sandbox.faults import Faults
from sandbox.objects.store import ObjectStore
from sandbox.synapse.app import SynapseApp
from sandbox.synapse.catalogue import all_routes
from sandbox.synapse.entities import ROOT_ID, Entity
from sandbox.synapse.handles import Handle, HandleKind
from sandbox.synapse.kinds import Kind
from sandbox.synapse.locations import SYNAPSE_BUCKET
from sandbox.synapse.principals import User
from sandbox.synapse.world import World

PACKAGE = "org.sagebionetworks.repo.model."
UTF8 = "application/json; charset=UTF-8"
MD5_A = "0cc175b9c0f1b6a831c399e269772661"
MD5_B = "92eb5ffee6ae2fec3ad71c777531578f"


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    was_cut: bool = False

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        return str(self.json["reason"])


def new_app() -> SynapseApp:
    clock = SandboxClock(wait_scale=0)
    world = World(clock=clock, objects=ObjectStore(clock=clock))
    app = SynapseApp(world, all_routes(), faults=Faults(), control=Control)
    app.throttle.limits.enabled = False
    return app


@dataclass
class Client:
    """One caller; the demo user unless told otherwise. Clients may share an application."""

    app: SynapseApp = field(default_factory=new_app)
    token: str | None = "the demo user's"
    headers: dict[str, str] = field(default_factory=dict)
    address: str = "10.0.0.1"

    def __post_init__(self) -> None:
        if self.token == "the demo user's":
            self.token = self.world.principals.demo_token

    @property
    def world(self) -> World:
        return self.app.world

    @property
    def user(self) -> User:
        return self.world.principals.demo

    def by(self, token: str | None) -> "Client":
        """The same application, asked by somebody else."""
        return Client(app=self.app, token=token)

    def colleague(self) -> "Client":
        return self.by(self.world.principals.colleague_token)

    def ask(self, method: str, target: str, body: Any = None, *, raw: bytes | None = None) -> Reply:
        return asyncio.run(self.asked(method, target, body, raw=raw))

    async def asked(self, method: str, target: str, body: Any = None, *, raw: bytes | None = None) -> Reply:
        path, _, query = target.partition("?")
        sent = raw if raw is not None else (json.dumps(body).encode() if body is not None else b"")
        headers = {"content-type": UTF8, **self.headers}
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token}"
        messages: list[dict[str, Any]] = []
        cuts: list[bool] = []
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": (self.address, 50000),
            "extensions": {CUT: {"abort": lambda: cuts.append(True)}},
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": sent, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        await self.app(scope, receive, send)
        if cuts:
            return Reply(0, was_cut=True)
        fields = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        return Reply(messages[0]["status"], messages[1]["body"], fields)

    def get(self, target: str) -> Reply:
        return self.ask("GET", target)

    def post(self, target: str, body: Any = None) -> Reply:
        return self.ask("POST", target, body)

    def put(self, target: str, body: Any = None) -> Reply:
        return self.ask("PUT", target, body)

    def delete(self, target: str) -> Reply:
        return self.ask("DELETE", target)

    def project(self, name: str = "project") -> Entity:
        return self.world.entities.add(
            self.world, kind=Kind.PROJECT, name=name, parent_id=ROOT_ID, created_by=self.user.id
        )

    def folder(self, parent: Entity, name: str = "folder") -> Entity:
        return self.world.entities.add(
            self.world, kind=Kind.FOLDER, name=name, parent_id=parent.id, created_by=self.user.id
        )

    def handle(self, md5: str | None = MD5_A, *, owner: str | None = None, key: str = "3412/x/a.csv") -> Handle:
        """A handle whose object is there, one byte long."""
        self.world.objects.put(SYNAPSE_BUCKET, key, b"a")
        return self.world.handles.add(
            self.world,
            kind=HandleKind.S3,
            created_by=owner or self.user.id,
            file_name="a.csv",
            content_type="text/csv",
            content_md5=md5,
            content_size=1,
            storage_location_id=1,
            bucket=SYNAPSE_BUCKET,
            key=key,
        )

    def file(self, parent: Entity, handle: Handle | None = None, name: str = "a.csv") -> Entity:
        handle = handle or self.handle()
        return self.world.entities.add(
            self.world, kind=Kind.FILE, name=name, parent_id=parent.id, created_by=self.user.id, handle_id=handle.id
        )

    def grant(self, entity: Entity, *rights: str, principal_id: str | None = None) -> None:
        """Give the entity a list of its own: the demo user all, the colleague (or another) these rights."""
        whom = int(principal_id or self.world.principals.colleague.id)
        everything = {int(self.user.id): frozenset({"READ", "DOWNLOAD", "CREATE", "UPDATE", "DELETE"})}
        everything[int(self.user.id)] |= {"CHANGE_PERMISSIONS", "CHANGE_SETTINGS", "MODERATE"}
        self.world.access.put(self.world, entity.id, {**everything, whom: frozenset(rights)})
