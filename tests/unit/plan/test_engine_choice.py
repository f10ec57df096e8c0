"""plan/engine_choice.py: by capabilities and reach, with a reason for every choice."""

from dataclasses import replace

import pytest

from storage_core.engines.relay_copy import RELAY_CAPABILITIES
from storage_core.engines.s3_copy import S3_CAPABILITIES
from storage_core.engines.synapse_copy import SYNAPSE_CAPABILITIES
from storage_core.errors import UsageError
from storage_core.model.copies import CopyRequest, EngineName
from storage_core.model.destinations import LocationKind
from storage_core.model.engines import CopySource, KeyCheck
from storage_core.model.handles import Association, AssociationKind, FileHandle, HandleKind
from storage_core.model.ids import EntityId, FileHandleId, StorageLocationId
from storage_core.model.settings import EngineOption
from storage_core.plan.engine_choice import Chosen, EngineChooser, Reach, flows_through_here, needs_keys, samples_to_try

ENGINES = (SYNAPSE_CAPABILITIES, S3_CAPABILITIES)
YES = KeyCheck(is_allowed=True)
NO = KeyCheck(is_allowed=False, detail="403")


def handle(bucket: str | None = "inbox", *, location: int = 7, kind: HandleKind = HandleKind.S3) -> FileHandle:
    return FileHandle(
        id=FileHandleId("1"),
        kind=kind,
        concrete_type="",
        storage_location_id=StorageLocationId(location),
        size_bytes=1,
        md5="0" * 32,
        bucket=bucket,
        key="k",
    )


def source(sample: FileHandle, *, engine: EngineName | None = None, copies: int = 1) -> CopySource:
    return CopySource(sample=sample, engine=engine, copies=copies, size_bytes=10 * copies, parts=copies)


def chooser(
    reach: Reach, *, option: EngineOption = EngineOption.AUTO, destination: LocationKind = LocationKind.EXTERNAL_S3
) -> EngineChooser:
    return EngineChooser(ENGINES, option=option, destination=destination, reach=reach)


ALL = (*ENGINES, RELAY_CAPABILITIES)


@pytest.mark.parametrize(
    ("kind", "destination", "engine"),
    [
        (HandleKind.S3, LocationKind.EXTERNAL_S3, EngineName.S3),
        (HandleKind.S3, LocationKind.SYNAPSE_S3, EngineName.SYNAPSE),
        (HandleKind.S3, LocationKind.EXTERNAL_OBJECT_STORE, EngineName.RELAY),
        (HandleKind.S3, LocationKind.EXTERNAL_SFTP, EngineName.RELAY),
        (HandleKind.S3, LocationKind.EXTERNAL_GOOGLE_CLOUD, EngineName.RELAY),
        (HandleKind.EXTERNAL_URL, LocationKind.SYNAPSE_S3, EngineName.RELAY),
        (HandleKind.GOOGLE_CLOUD, LocationKind.EXTERNAL_S3, EngineName.RELAY),
    ],
)
def test_auto_has_bytes_flow_through_this_machine_only_where_nothing_else_can(kind, destination, engine):
    """Whatever the order in which the engines are listed."""
    for engines in (ALL, ALL[::-1]):
        everything = EngineChooser(
            engines,
            option=EngineOption.AUTO,
            destination=destination,
            reach=Reach(destination=YES, sources={"inbox": YES}),
        )
        (share,) = everything.shares([source(handle(kind=kind), copies=3)])
        assert (engine, engine is EngineName.RELAY) == (share.engine, share.through_here)
        if share.through_here:
            assert "not synapse: it does not" in share.why


@pytest.mark.parametrize(
    ("option", "destination", "flows"),
    [
        (EngineOption.AUTO, LocationKind.EXTERNAL_SFTP, True),
        (EngineOption.AUTO, LocationKind.EXTERNAL_S3, False),
        (EngineOption.RELAY, LocationKind.EXTERNAL_S3, True),
        (EngineOption.S3, LocationKind.EXTERNAL_SFTP, False),
    ],
)
def test_a_login_is_tried_where_every_copy_will_need_it(option, destination, flows):
    assert flows is flows_through_here(ALL, option=option, destination=destination)


def test_auto_takes_the_engine_that_spends_fewest_calls_when_the_keys_reach():
    chosen = chooser(Reach(destination=YES, sources={"inbox": YES})).choose(handle())
    assert Chosen(engine=EngineName.S3, why="spends the fewest Synapse calls") == chosen


@pytest.mark.parametrize(
    ("reach", "sample", "destination", "why"),
    [
        (Reach(destination=NO), handle(), LocationKind.EXTERNAL_S3, "may not write to the destination (403)"),
        (Reach(destination=YES, sources={"inbox": NO}), handle(), LocationKind.EXTERNAL_S3, "may not read inbox (403)"),
        (Reach(destination=YES, sources={}), handle(None), LocationKind.EXTERNAL_S3, "nobody asked"),
        (Reach(destination=YES, sources={"inbox": YES}), handle(location=1), LocationKind.EXTERNAL_S3, "only Synapse"),
        (Reach(destination=YES, sources={"inbox": YES}), handle(), LocationKind.SYNAPSE_S3, "does not write to"),
    ],
)
def test_auto_says_what_stands_against_the_cheaper_engine(reach, sample, destination, why):
    chosen = chooser(reach, destination=destination).choose(sample)
    assert EngineName.SYNAPSE is chosen.engine
    assert chosen.why.startswith("not s3: ")
    assert why in chosen.why


def test_an_engine_that_was_asked_for_is_taken_whatever_the_keys_reach():
    assert EngineName.S3 is chooser(Reach(destination=NO), option=EngineOption.S3).choose(handle()).engine
    everything = Reach(destination=YES, sources={"inbox": YES})
    assert EngineName.SYNAPSE is chooser(everything, option=EngineOption.SYNAPSE).choose(handle()).engine


def test_what_no_engine_reads_is_left_to_the_one_that_will_refuse_it():
    assert EngineName.SYNAPSE is chooser(Reach()).choose(handle(kind=HandleKind.GOOGLE_CLOUD)).engine


def test_a_copy_that_is_begun_keeps_its_engine_in_the_plan():
    sources = [source(handle(), engine=EngineName.SYNAPSE), source(handle(), copies=5)]
    shares = chooser(Reach(destination=YES, sources={"inbox": YES})).shares(sources)
    assert [(EngineName.SYNAPSE, 1, 4), (EngineName.S3, 5, 5)] == [
        (one.engine, one.copies, one.calls) for one in shares
    ]


def test_shares_of_one_place_and_reason_are_told_together():
    sources = [source(handle(), copies=2), source(handle(), copies=3)]
    (share,) = chooser(Reach(destination=YES, sources={"inbox": YES})).shares(sources)
    assert (5, 50) == (share.copies, share.size_bytes)


def tried(sources: list[CopySource], option: EngineOption, destination: LocationKind) -> list[str | None]:
    return [one.bucket for one in samples_to_try(ENGINES, sources, option=option, destination=destination)]


def test_only_buckets_that_matter_are_tried_and_each_once():
    sources = [
        source(handle("synapse-own", location=1)),
        source(handle("inbox")),
        source(handle("inbox")),
        source(handle("begun"), engine=EngineName.S3),
        source(handle(None)),
    ]
    external = LocationKind.EXTERNAL_S3
    assert ["inbox"] == tried(sources, EngineOption.AUTO, external)
    assert ["synapse-own", "inbox"] == tried(sources, EngineOption.S3, external)
    assert [] == tried(sources, EngineOption.SYNAPSE, external)
    assert [] == tried(sources, EngineOption.AUTO, LocationKind.SYNAPSE_S3)


def test_an_engine_that_cannot_fill_the_destination_is_refused_with_the_way_out():
    with pytest.raises(UsageError, match="cannot write to a storage location of type SYNAPSE_S3") as refused:
        needs_keys(ENGINES, option=EngineOption.S3, destination=LocationKind.SYNAPSE_S3)
    assert "Leave --engine away" in refused.value.fix
    assert not needs_keys(ENGINES, option=EngineOption.AUTO, destination=LocationKind.SYNAPSE_S3)
    assert needs_keys(ENGINES, option=EngineOption.S3, destination=LocationKind.EXTERNAL_S3)


@pytest.mark.parametrize(("size_bytes", "parts"), [(30 * 10**9, 16), (5 * 2**40, 2560)])
def test_a_large_object_is_cut_into_few_pieces_however_many_requests_may_be_open(size_bytes, parts):
    """More pieces than the size needs only multiply requests, while other objects wait for the same connections."""
    wanted = CopyRequest(
        copy_id=1,
        source=replace(handle(), size_bytes=size_bytes),
        association=Association(handle_id=FileHandleId("1"), object_id=EntityId("syn1"), kind=AssociationKind.FILE),
        destination=StorageLocationId(8),
    )
    many = EngineChooser(
        ENGINES,
        option=EngineOption.S3,
        destination=LocationKind.EXTERNAL_S3,
        reach=Reach(destination=YES, sources={"inbox": YES}),
        streams=128,
    )
    assert parts == -(-size_bytes // (many.choice(wanted).part_size_bytes or 1))
