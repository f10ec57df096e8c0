"""The REST adapter against a running sandbox with the service's own limits in force."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest

from sandbox.faults import FaultKind, FaultRule
from sandbox.scenarios.facts import ScenarioFacts
from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from sandbox.synapse.app import StackStatus
from storage_core.config import Config, Secret, load_config
from storage_core.errors import AccessError, NotFound, PreconditionFailed, ServiceUnavailable
from storage_core.model.copies import CopyRequest, PartPlan
from storage_core.model.entities import EntityHeader, EntityKind, FileSnapshot
from storage_core.model.handles import Association, AssociationKind, HandleRefusal
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.places import FileVersion, NewVersion
from storage_core.model.repoints import AddVersion, SwapVersionHandle
from storage_core.model.works import RepointWork
from storage_core.steps.repointing import repoint_entity
from storage_core.synapse.catalog import SynapseCatalog
from storage_core.synapse.clock import SystemClock
from storage_core.synapse.endpoints.multipart import Multipart
from storage_core.synapse.limiter import CallLimiter
from storage_core.synapse.presigned import HashedObject, PartCopied, PresignedSender
from storage_core.synapse.transport import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """An adapter that is connected to the sandbox."""

    transport: Transport
    catalog: SynapseCatalog
    multipart: Multipart
    sender: PresignedSender


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(SandboxOptions(scenario="mixed", wait_scale=0.01)) as running:
        # the minute would make a test of a minute; three in flight stays
        running.app.throttle.limits.frequency.calls = 100_000
        yield running


@pytest.fixture
def facts(sandbox: Sandbox) -> ScenarioFacts:
    assert sandbox.facts is not None
    return sandbox.facts


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path) -> Config:
    loaded = load_config({**sandbox.environment(), "SYNAPSE_STATE_FOLDER": str(tmp_path)})
    return replace(loaded, calls_per_minute=50_000, patience=replace(loaded.patience, first_wait_seconds=0.01))


@asynccontextmanager
async def connected(config: Config) -> AsyncIterator[Reach]:
    limiter = CallLimiter(
        folder=config.state_folder,
        endpoint=config.repo_endpoint,
        calls_in_flight=config.calls_in_flight,
        calls_per_minute=config.calls_per_minute,
    )
    try:
        clock = SystemClock()
        async with Transport(config, limiter, clock) as transport, PresignedSender(config) as sender:
            yield Reach(
                transport=transport,
                catalog=SynapseCatalog(transport, clock),
                multipart=Multipart(transport),
                sender=sender,
            )
    finally:
        limiter.close()


async def below(catalog: SynapseCatalog, container: EntityId) -> list[EntityHeader]:
    """Everything below a container."""
    found, token = [], None
    while True:
        page = await catalog.children(container, page_token=token)
        found += page.children
        token = page.next_page_token
        if token is None:
            break
    for child in list(found):
        if child.kind.is_container:
            found += await below(catalog, child.id)
    return found


def test_a_walk_finds_every_version_with_its_handle_as_it_was_made(config, facts):
    """Tree, versions, handle facts: as the scenario meant them, with no call refused for being too eager."""

    async def look():
        async with connected(config) as reach:
            headers = await below(reach.catalog, EntityId(facts.root_id))
            files = [header.id for header in headers if header.kind in {EntityKind.FILE, EntityKind.RECORD_SET}]
            numbers = await asyncio.gather(*(reach.catalog.versions(file) for file in files))
            wanted = [(file, number) for file, known in zip(files, numbers, strict=True) for number in known]
            snapshots = await asyncio.gather(*(reach.catalog.file(file, version=number) for file, number in wanted))
            return headers, snapshots, reach.transport.calls.totals()

    headers, snapshots, totals = asyncio.run(look())

    assert len(headers) == len({header.id for header in headers})
    assert {(one.entity_id, one.number, one.handle_id) for one in facts.expectation.versions} == {
        (one.entity_id, one.version, one.handle_id) for one in snapshots
    }
    shown = {(one.entity_id, one.version): one.handle for one in snapshots if one.handle is not None}
    for expected in facts.expectation.versions:
        handle = shown.pop((EntityId(expected.entity_id), expected.number), None)
        if handle is None:
            assert expected.entity_id in facts.unreadable_ids
            continue
        assert (expected.size, expected.md5, expected.location_id or 1) == (
            handle.size_bytes,
            handle.md5,
            handle.storage_location_id,
        )
    assert {} == shown
    assert 0 == totals.throttled


def test_handles_are_shown_or_refused_one_by_one(config, facts):
    current = facts.expectation.current()
    associations = [
        Association(handle_id=FileHandleId(one.handle_id), object_id=EntityId(one.entity_id), kind=AssociationKind.FILE)
        for one in current
    ]
    broken = replace(associations[0], handle_id=FileHandleId("no number"))

    async def look():
        async with connected(config) as reach:
            return await reach.catalog.handles([*associations, broken])

    answers = asyncio.run(look())

    assert [one.handle_id for one in current] == [answer.handle_id for answer in answers[:-1]]
    assert HandleRefusal.NOT_FOUND == answers[-1].refusal
    refused = {one.entity_id for one, answer in zip(current, answers[:-1], strict=True) if answer.refusal}
    assert {one.entity_id for one in current if one.entity_id in facts.unreadable_ids} == refused


def movable(facts: ScenarioFacts):
    """Small ordinary files with one version, in Synapse's reach."""
    versions = facts.expectation.current()
    return [
        one
        for one in versions
        if one.trait == "ordinary"
        and one.number == 1
        and one.location_id == facts.source_location_ids[0]
        and one.size
        and one.md5
        and one.size < 5_000_000
    ]


async def copied(reach: Reach, file: FileSnapshot, destination: StorageLocationId) -> FileHandleId:
    """Copy a file's handle by the four calls."""
    assert file.handle is not None
    assert file.handle_id is not None
    assert file.handle.size_bytes is not None
    association = Association(handle_id=file.handle_id, object_id=file.entity_id, kind=AssociationKind.FILE)
    request = CopyRequest(copy_id=1, source=file.handle, association=association, destination=destination)
    parts = PartPlan(size_bytes=file.handle.size_bytes, part_size_bytes=5_242_880)
    started = await reach.multipart.start_copy(request=request, parts=parts)
    for part in await reach.multipart.presign(upload_id=started.upload_id, numbers=started.missing_parts):
        outcome = await reach.sender.copy_part(part.url, part.headers)
        assert isinstance(outcome, PartCopied)
        await reach.multipart.add_part(upload_id=started.upload_id, number=part.number, md5=outcome.etag)
    finished = await reach.multipart.complete(upload_id=started.upload_id)
    again = await reach.multipart.start_copy(request=request, parts=parts)
    assert finished.result is not None
    assert again.result == finished.result, "a repeated request meets the finished copy"
    return finished.result


def test_a_copied_handle_holds_the_same_bytes_and_can_be_attached_in_both_ways(config, facts):
    chosen = movable(facts)[0]

    async def story():
        async with connected(config) as reach:
            before = await reach.catalog.file(EntityId(chosen.entity_id))
            new = await copied(reach, before, StorageLocationId(facts.destination_id))
            swap = SwapVersionHandle(
                item_id=1,
                place=FileVersion(entity_id=before.entity_id, version=1),
                expect=FileHandleId(chosen.handle_id),
                new=new,
            )
            await reach.catalog.swap_version_handle(swap)
            with pytest.raises(PreconditionFailed):
                await reach.catalog.swap_version_handle(swap)
            after = await reach.catalog.file(before.entity_id)
            association = Association(handle_id=new, object_id=before.entity_id, kind=AssociationKind.FILE)
            (answer,) = await reach.catalog.handles([association], with_urls=True)
            assert answer.presigned_url is not None
            return after, await reach.sender.stream_md5(answer.presigned_url)

    after, read = asyncio.run(story())

    assert after.handle is not None
    assert facts.destination_id == after.handle.storage_location_id
    assert HashedObject(md5=chosen.md5, size_bytes=chosen.size) == read


async def added_version(catalog: SynapseCatalog, change: AddVersion) -> int | None:
    """Add a version as a migration does: a lost answer is resolved by reading."""
    outcomes: list = []
    work = RepointWork(last_item_id=1, entity_id=change.place.entity_id, changes=(change,))
    await repoint_entity(work, SimpleNamespace(catalog=catalog, stop=Event()), outcomes.append)
    (outcome,) = outcomes
    return outcome.new_version


@pytest.mark.parametrize("kind", [FaultKind.STATUS_BEFORE, FaultKind.STATUS_AFTER, FaultKind.DROP_AFTER])
def test_a_version_is_added_once_whatever_happens_to_the_answer(sandbox, config, facts, kind):
    place = {FaultKind.STATUS_BEFORE: 1, FaultKind.STATUS_AFTER: 2, FaultKind.DROP_AFTER: 3}[kind]
    chosen = movable(facts)[place]

    async def story():
        async with connected(config) as reach:
            before = await reach.catalog.file(EntityId(chosen.entity_id))
            new = await copied(reach, before, StorageLocationId(facts.destination_id))
            change = AddVersion(
                item_id=1,
                place=NewVersion(entity_id=before.entity_id, current_version=1),
                expect=FileHandleId(chosen.handle_id),
                new=new,
                etag=before.etag,
                body=before.body,
                activity_id=before.activity_id,
            )
            sandbox.faults.add(
                FaultRule(
                    kind=kind,
                    method="PUT",
                    path=f"/entity/{chosen.entity_id}",
                    status=504,
                    body="<html>Gateway Timeout</html>",
                    content_type="text/html",
                )
            )
            number = await added_version(reach.catalog, change)
            return (
                number,
                await reach.catalog.versions(before.entity_id),
                new,
                await reach.catalog.file(before.entity_id),
            )

    number, versions, new, after = asyncio.run(story())

    assert (2, (2, 1)) == (number, versions)
    assert new == after.handle_id
    assert chosen.activity_id == after.activity_id


def test_maintenance_is_waited_out(sandbox, config):
    async def story():
        async with connected(config) as reach:
            sandbox.app.status = StackStatus.READ_ONLY
            waiting = asyncio.create_task(reach.catalog.me())
            await asyncio.sleep(0.1)
            assert not waiting.done()
            sandbox.app.status = StackStatus.READ_WRITE
            return await waiting

    assert "3412" == asyncio.run(story()).id


def test_a_wrong_token_and_a_wrong_address_are_told_apart(config):
    async def me(changed: Config):
        async with connected(changed) as reach:
            await reach.catalog.me()

    with pytest.raises(AccessError):
        asyncio.run(me(replace(config, token=Secret("wrong"))))
    with pytest.raises(ServiceUnavailable, match="does not answer like Synapse"):
        asyncio.run(me(replace(config, repo_endpoint=config.repo_endpoint.removesuffix("/repo/v1"))))


def test_what_is_not_there_is_not_found(config):
    async def story():
        async with connected(config) as reach:
            await reach.catalog.root(EntityId("syn999999999"))

    with pytest.raises(NotFound):
        asyncio.run(story())
