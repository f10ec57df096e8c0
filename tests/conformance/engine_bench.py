"""What the conformance tests of the copy engines need: a sandbox with a source and a destination, and engines on it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.faults import FaultRule
from sandbox.objects.contents import Content
from sandbox.server import Sandbox
from sandbox.synapse.handles import Handle
from storage_core.aws.objects import S3Objects
from storage_core.config import Config, Secret
from storage_core.engines.object_reader import PresignedObjectReader
from storage_core.engines.s3_copy import S3CopyEngine
from storage_core.engines.synapse_copy import SynapseCopyEngine
from storage_core.model.copies import Copied, CopyFailed, CopyRequest, ProofLevel
from storage_core.model.handles import Association, AssociationKind, FileHandle, HandleKind
from storage_core.model.ids import FileHandleId, PrincipalId, StorageLocationId, parse_entity_id
from storage_core.model.settings import MigrationSettings
from storage_core.model.works import ProofWork
from storage_core.plan.object_keys import object_place
from storage_core.plan.parts import SERVICE_LIMITS, PartLimits
from storage_core.plan.retrying import Patience
from storage_core.ports.copying import CopyEngine
from storage_core.steps.proving import prove_chunk
from storage_core.steps.services import Services
from storage_core.synapse.catalog import SynapseCatalog
from storage_core.synapse.endpoints.file_handles import FileHandles
from storage_core.synapse.endpoints.multipart import Multipart
from storage_core.synapse.limiter import CallLimiter
from storage_core.synapse.presigned import PresignedSender
from storage_core.synapse.transport import Transport
from storage_core.testing.fake_clock import FakeClock
from tests.unit.sandbox.storage_world import Service

MIB = 1024**2
DESTINATION_BUCKET = "lab-archive"
SMALL_PARTS = PartLimits(
    single_part_bytes=5 * MIB, several_parts_bytes=5 * MIB, most_parts=1000, largest_object_bytes=5000 * MIB
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """One process's view of the sandbox: an engine, and the ports that proving needs."""

    engine: CopyEngine
    catalog: SynapseCatalog
    reader: PresignedObjectReader
    clock: FakeClock

    async def prove(
        self, request: CopyRequest, copied: Copied, *, level: ProofLevel = ProofLevel.STANDARD, attempts: int = 0
    ) -> list[object]:
        """Everything the proving step has to say about one copy."""
        said: list[object] = []
        settings = MigrationSettings(roots=(request.association.object_id,), destination=request.destination)
        services = Services(
            catalog=self.catalog,
            engine=self.engine,
            reader=self.reader,
            clock=self.clock,
            settings=settings,
            proof_level=level,
        )
        work = ProofWork(copied=copied, source=request.source, association=request.association, attempts=attempts)
        await prove_chunk((work,), services, said.append)
        return said


EngineOpener = Callable[["Bench", PartLimits], AbstractAsyncContextManager[Outside]]


@asynccontextmanager
async def synapse_engine(bench: "Bench", limits: PartLimits) -> AsyncIterator[Outside]:
    """The engine `synapse` with everything real behind it; only waits cost no time."""
    config = bench.config
    clock = FakeClock()
    limiter = CallLimiter(
        folder=config.state_folder, endpoint=config.repo_endpoint, calls_in_flight=3, calls_per_minute=60_000
    )
    slots = asyncio.Semaphore(8)
    async with Transport(config, limiter, clock) as transport, PresignedSender(config) as sender:
        catalog = SynapseCatalog(transport, clock)
        yield Outside(
            engine=SynapseCopyEngine(Multipart(transport), sender, catalog, clock=clock, s3_slots=slots, limits=limits),
            catalog=catalog,
            reader=PresignedObjectReader(catalog, sender, clock=clock, s3_slots=slots),
            clock=clock,
        )
    limiter.close()


@asynccontextmanager
async def s3_engine(bench: "Bench", limits: PartLimits) -> AsyncIterator[Outside]:
    """The engine `s3` with everything real behind it, boto3 included; only waits cost no time."""
    config = bench.config
    clock = FakeClock()
    limiter = CallLimiter(
        folder=config.state_folder, endpoint=config.repo_endpoint, calls_in_flight=3, calls_per_minute=60_000
    )
    slots = asyncio.Semaphore(8)
    objects = S3Objects(slots=slots, most_at_once=8, connect_seconds=5, read_seconds=30)
    place = object_place(
        bucket=DESTINATION_BUCKET, base_key=None, user_id=PrincipalId(bench.service.steward.id), migration_id="m"
    )
    async with Transport(config, limiter, clock) as transport, PresignedSender(config) as sender:
        catalog = SynapseCatalog(transport, clock)
        yield Outside(
            engine=S3CopyEngine(objects, FileHandles(transport), clock=clock, place=lambda: place, limits=limits),
            catalog=catalog,
            reader=PresignedObjectReader(catalog, sender, clock=clock, s3_slots=slots),
            clock=clock,
        )
    objects.close()
    limiter.close()


ENGINES: dict[str, EngineOpener] = {"synapse": synapse_engine, "s3": s3_engine}
"""A new engine takes a line here, and is asked everything."""


class Watchful(FaultRule):
    """A rule that strikes nothing: it lets a test act in the middle of somebody's call."""

    def __init__(self, act: Callable[[], None], *, path: str = ".*", method: str | None = None, at: int = 1) -> None:
        super().__init__(kind="delay", path=path, method=method, times=None)  # type: ignore[arg-type]
        self._act = act
        self._at = at
        self._count = 0

    def strikes(self, method: str, path: str) -> bool:
        """Count the call; act on the chosen one."""
        if super().strikes(method, path):
            self._count += 1
            if self._count == self._at:
                self._act()
        return False


@dataclass
class Bench:
    """A sandbox with a project of the demo user's and a destination in her own bucket."""

    sandbox: Sandbox
    folder: Path
    engine: str
    service: Service = field(init=False)
    destination: StorageLocationId = field(init=False)

    def __post_init__(self) -> None:
        self.service = Service(world=self.sandbox.world)
        self.project = self.service.project()
        bucket = self.service.bucket(DESTINATION_BUCKET)
        self.destination = StorageLocationId(self.service.external_s3(bucket, baseKey=None))
        self.count = 0

    @property
    def config(self) -> Config:
        """How to reach the sandbox, and little patience with it."""
        url = self.sandbox.url
        return Config(
            token=Secret(self.sandbox.token),
            repo_endpoint=f"{url}/repo/v1",
            file_endpoint=f"{url}/file/v1",
            auth_endpoint=f"{url}/auth/v1",
            state_folder=self.folder,
            patience=Patience(faults=3, first_wait_seconds=0.001, longest_wait_seconds=0.001),
        )

    def real_file(self, content: bytes, *, name: str = "a.csv") -> CopyRequest:
        """A request to copy real bytes."""
        self.count += 1
        return self._request(self.service.stored(content, key=f"3413/{self.count}/{name}"))

    def declared_file(self, size_bytes: int) -> CopyRequest:
        """A request to copy an object that has a size and an MD5, and no bytes."""
        self.count += 1
        return self._request(self.service.declared(size_bytes, key=f"3413/{self.count}/big.bin"))

    def _request(self, handle: Handle) -> CopyRequest:
        file = self.service.file(self.project, handle, name=f"file {self.count}")
        source = FileHandle(
            id=FileHandleId(handle.id),
            kind=HandleKind.S3,
            concrete_type="org.sagebionetworks.repo.model.file.S3FileHandle",
            storage_location_id=StorageLocationId(1),
            size_bytes=handle.content_size,
            md5=handle.content_md5,
            file_name=handle.file_name,
            content_type=handle.content_type,
            bucket=handle.bucket,
            key=handle.key,
        )
        association = Association(
            handle_id=source.id, object_id=parse_entity_id(str(file.id)), kind=AssociationKind.FILE
        )
        return CopyRequest(copy_id=self.count, source=source, association=association, destination=self.destination)

    async def copy(self, request: CopyRequest, *, limits: PartLimits = SERVICE_LIMITS) -> Copied | CopyFailed:
        """Copy as a process of its own would."""
        async with ENGINES[self.engine](self, limits) as outside:
            return await outside.engine.copy(request)

    async def copy_and_prove(self, request: CopyRequest, *, limits: PartLimits = SERVICE_LIMITS) -> list[object]:
        """Copy and prove; everything that was said, the copy's failure included."""
        async with ENGINES[self.engine](self, limits) as outside:
            outcome = await outside.engine.copy(request)
            return await outside.prove(request, outcome) if isinstance(outcome, Copied) else [outcome]

    def overwrite(self, request: CopyRequest, content: bytes) -> None:
        """Put other bytes where the source's are."""
        self.sandbox.world.objects.put(request.source.bucket or "", request.source.key or "", content)

    def content_of(self, outcome: object) -> Content:
        """What the new handle of an outcome really holds."""
        assert isinstance(outcome, Copied), outcome
        handle = self.sandbox.world.handles.require(outcome.new)
        return self.sandbox.world.objects.get(str(handle.bucket), str(handle.key)).content

    def md5_of(self, outcome: object) -> str:
        """Of what the new handle of an outcome really holds."""
        content = self.content_of(outcome)
        return content.digest(0, content.size - 1)

    @property
    def new_objects(self) -> list[str]:
        """Keys at the destination, the ownership proof left out."""
        return [key for key, _ in self.sandbox.world.objects.list(DESTINATION_BUCKET) if key != "owner.txt"]

    def watch(self, act: Callable[[], None], **rule: object) -> None:
        """Act in the middle of a call."""
        self.sandbox.faults.add(Watchful(act, **rule))  # type: ignore[arg-type]


def md5_of(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()
