"""The temporary view: it is gone in the end, whatever happens; and what is read through a view."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from storage_core.errors import UsageError
from storage_core.index.opening import open_index
from storage_core.index.store import Index
from storage_core.model.entities import EntityHeader, EntityKind, Permissions, RootSnapshot
from storage_core.model.ids import ActivityId, EntityId, StorageLocationId
from storage_core.model.items import ItemStatus
from storage_core.model.settings import FileVersionStrategy, IndexOptions, IndexVia, MigrationSettings
from storage_core.model.works import (
    CountedContainer,
    CountedContainers,
    CountsAgree,
    Described,
    FilesChunk,
    FilesSeen,
    FoundEntity,
    ViewFailed,
)
from storage_core.plan.estimating import Speeds
from storage_core.steps.backlog import Backlog
from storage_core.steps.describing_by_view import describe_chunk
from storage_core.steps.finding_by_view import find_files
from storage_core.steps.known import KnownLocations, ViewAtHand
from storage_core.steps.viewing import FileViews
from storage_core.steps.walking import list_container
from storage_core.testing.fake_catalog import FakeCatalog
from storage_core.testing.fake_clock import FakeClock

ROOT = EntityId("syn1")
FILES = 30


class Loop:
    """Runs what the network would run."""

    def run(self, work):
        return asyncio.run(work)


@dataclass
class Reach:
    """The part of the services these steps use."""

    catalog: FakeCatalog
    settings: MigrationSettings
    indexing: IndexOptions
    view: ViewAtHand = field(default_factory=ViewAtHand)
    locations: KnownLocations = field(default_factory=KnownLocations)
    backlog: Backlog = field(default_factory=Backlog)
    clock: FakeClock = field(default_factory=FakeClock)
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass
class Bench:
    """A fake Synapse with files, an index, and what was said."""

    catalog: FakeCatalog
    index: Index
    said: list[str] = field(default_factory=list)

    def reach(self, strategy: FileVersionStrategy = FileVersionStrategy.LATEST, **options) -> Reach:
        settings = MigrationSettings(roots=(ROOT,), destination=StorageLocationId(77), strategy=strategy)
        return Reach(self.catalog, settings, IndexOptions(**options))

    def views(self, reach: Reach) -> FileViews:
        return FileViews(self.index, reach, Loop(), self.said.append)

    def at_hand(self, reach: Reach, files: int = FILES):
        return self.views(reach).at_hand([root()], files, Speeds())


def root() -> RootSnapshot:
    header = EntityHeader(id=ROOT, name="p", kind=EntityKind.PROJECT)
    return RootSnapshot(header=header, parent_id=None, permissions=Permissions(), path=(header,))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    catalog = FakeCatalog()
    for number in range(FILES):
        catalog.add_handle(str(100 + number))
        catalog.add_file(f"syn{10 + number}", ROOT, [str(100 + number)])
    settings = MigrationSettings(roots=(ROOT,), destination=StorageLocationId(77))
    with open_index(tmp_path / "m.duckdb", settings, create=True) as index:
        yield Bench(catalog, index)


def chunk(*numbers: int) -> FilesChunk:
    return FilesChunk(
        files=tuple(
            FoundEntity(
                seq=number,
                entity_id=EntityId(f"syn{number}"),
                parent_id=ROOT,
                name="n",
                kind=EntityKind.FILE,
                version=1,
            )
            for number in numbers
        )
    )


def emitted(reach: Reach, *numbers: int) -> list:
    found: list = []
    reach.view.usable = reach.view.usable or EntityId("syn900002")
    asyncio.run(describe_chunk(chunk(*numbers), reach, found.append))
    return found


def with_view(bench: Bench, reach: Reach) -> None:
    made = asyncio.run(bench.catalog.make_file_view(name="v", parent_id=ROOT, scope=[ROOT]))
    reach.view.begin(made)


def test_a_view_is_there_inside_and_gone_outside(bench):
    reach = bench.reach(via=IndexVia.VIEW)
    with bench.at_hand(reach) as has_view:
        assert has_view
        assert [reach.view.usable] == list(bench.catalog.views)
    assert ({}, None) == (bench.catalog.views, reach.view.usable)


def test_a_view_is_gone_after_a_failure(bench):
    with pytest.raises(KeyError), bench.at_hand(bench.reach(via=IndexVia.VIEW)):
        raise KeyError
    assert {} == bench.catalog.views


@pytest.mark.parametrize("trouble", ["lost before", "lost after"])
def test_a_lost_answer_leaves_no_view_and_the_files_are_read_all_the_same(bench, trouble):
    bench.catalog.view_trouble["make_file_view"] = [trouble]
    with bench.at_hand(bench.reach(via=IndexVia.VIEW)) as has_view:
        assert has_view == (trouble == "lost after")
    assert {} == bench.catalog.views


def test_a_view_that_comes_after_the_run_has_given_up_is_deleted_by_the_next_command(bench):
    """Synapse may carry out what we gave up waiting for when nobody of that run looks any more."""
    bench.catalog.view_trouble["make_file_view"] = ["lost before"]
    hasty = bench.views(bench.reach(via=IndexVia.VIEW))
    with hasty.at_hand([root()], FILES, Speeds()) as has_view:
        assert not has_view
    asyncio.run(bench.catalog.make_file_view(name=hasty._name(), parent_id=ROOT, scope=[ROOT]))
    bench.views(bench.reach()).delete_left_over()
    assert {} == bench.catalog.views
    calls = dict(bench.catalog.calls)
    bench.views(bench.reach()).delete_left_over()
    assert calls == bench.catalog.calls, "one look more is enough"


def test_a_view_that_a_killed_run_has_made_is_deleted_by_the_next_command(bench):
    """Killed before it learnt the id: the name is enough. Killed later: the id is in the index."""
    for knows_id in (False, True):
        dying = bench.views(bench.reach(via=IndexVia.VIEW))
        if knows_id:
            dying._make([ROOT])
        else:
            bench.index.remember("temporary_view", ROOT)
            asyncio.run(dying._create(dying._name(), ROOT, [ROOT]))
        assert 1 == len(bench.catalog.views)
        bench.views(bench.reach()).delete_left_over()
        assert {} == bench.catalog.views
    calls = dict(bench.catalog.calls)
    bench.views(bench.reach()).delete_left_over()
    assert calls == bench.catalog.calls


def test_a_view_of_the_same_name_is_replaced(bench):
    """A request that was on its way when its sender was killed can arrive after the next run has looked."""
    late = bench.views(bench.reach(via=IndexVia.VIEW))
    asyncio.run(late._create(late._name(), ROOT, [ROOT]))
    with bench.at_hand(bench.reach(via=IndexVia.VIEW)) as has_view:
        assert (True, 1) == (has_view, len(bench.catalog.views))
    assert {} == bench.catalog.views


@pytest.mark.parametrize("trouble", ["forbidden", "too large"])
def test_where_no_view_can_be_made_it_is_said_and_files_are_read_one_by_one(bench, trouble):
    bench.catalog.view_trouble["make_file_view"] = [trouble]
    with bench.at_hand(bench.reach(via=IndexVia.VIEW)) as has_view:
        assert not has_view
    assert "No file view could be made" in bench.said[0]


def test_a_view_that_cannot_be_deleted_is_told_of_and_tried_again(bench):
    bench.catalog.view_trouble["delete_file_view"] = ["forbidden", ""]
    with bench.at_hand(bench.reach(via=IndexVia.VIEW)):
        pass
    assert 1 == len(bench.catalog.views)
    assert "could not be deleted" in bench.said[0]
    bench.views(bench.reach()).delete_left_over()
    assert {} == bench.catalog.views


def test_a_few_files_are_not_worth_a_view(bench):
    with bench.at_hand(bench.reach(via=IndexVia.VIEW), files=24) as has_view:
        assert not has_view
    assert "make_file_view" not in bench.catalog.calls


def test_a_given_view_is_used_and_left_alone(bench):
    asyncio.run(bench.catalog.make_file_view(name="theirs", parent_id=ROOT, scope=[ROOT]))
    (given,) = bench.catalog.views
    reach = bench.reach(view=given)
    bench.views(reach).check([root()])
    with bench.at_hand(reach) as has_view:
        assert (True, given) == (has_view, reach.view.usable)
    assert [given] == list(bench.catalog.views)


def test_a_given_view_that_does_not_exist_is_a_usage_error(bench):
    with pytest.raises(UsageError, match="syn5 was not found"):
        bench.views(bench.reach(view=EntityId("syn5"))).check([root()])


@pytest.mark.parametrize(
    ("options", "strategy", "is_told"),
    [
        ({}, FileVersionStrategy.LATEST, True),
        ({"via": IndexVia.BUNDLE}, FileVersionStrategy.LATEST, False),
        ({}, FileVersionStrategy.NEW, False),
        ({"asks_provenance": False}, FileVersionStrategy.NEW, True),
    ],
)
def test_without_a_view_it_is_told_what_one_would_save(bench, options, strategy, is_told):
    with bench.at_hand(bench.reach(strategy, **options), files=100_000) as has_view:
        assert not has_view
    expected = ["Reading 100,000 files one by one takes about 167 min. --index-via view makes a temporary file view"]
    assert (expected if is_told else []) == [one.partition(" and needs")[0] for one in bench.said]


def test_files_are_described_by_the_hundred(bench):
    reach = bench.reach()
    with_view(bench, reach)
    bench.catalog.calls.clear()
    described = emitted(reach, *range(10, 10 + FILES))
    assert FILES == len(described)
    assert {"files_shown": 4, "handles": 1, "location_seen_from": 1} == bench.catalog.calls
    assert {ItemStatus.INDEXED} == {item.status for one in described for item in one.items}


def test_what_the_view_does_not_show_and_what_may_not_be_downloaded_is_left_for_its_own_reading(bench):
    reach = bench.reach()
    with_view(bench, reach)
    bench.catalog.unshown.add(EntityId("syn11"))
    del bench.catalog.handle_records[bench.catalog.files[EntityId("syn12")].versions[1]]
    assert ["syn10", "syn13"] == [one.entity_id for one in emitted(reach, 10, 11, 12, 13)]


def test_only_files_with_older_versions_cost_more_under_all(bench):
    bench.catalog.add_handle("900")
    bench.catalog.files[EntityId("syn10")].versions[2] = bench.catalog.add_handle("901").id
    reach = bench.reach(FileVersionStrategy.ALL)
    with_view(bench, reach)
    bench.catalog.calls.clear()
    described = emitted(reach, 10, 11, 12)
    assert {"syn10": 2, "syn11": 1, "syn12": 1} == {one.entity_id: len(one.items) for one in described}
    assert (1, 1) == (bench.catalog.calls["versions"], bench.catalog.calls["file"])


def test_strategy_new_reads_what_will_move_by_itself_and_nothing_else(bench):
    """A new version needs body and provenance; what stays where it is needs neither."""
    there = bench.catalog.add_handle("950", location=77)
    bench.catalog.files[EntityId("syn11")].versions[1] = there.id
    reach = bench.reach(FileVersionStrategy.NEW)
    with_view(bench, reach)
    assert ["syn11"] == [one.entity_id for one in emitted(reach, 10, 11, 12)]
    assert "file" not in bench.catalog.calls


@pytest.mark.parametrize("trouble", ["slow", "gone", "too large", "forbidden"])
def test_a_view_that_fails_is_given_up_once_and_the_files_stay_pending(bench, trouble):
    reach = bench.reach()
    with_view(bench, reach)
    bench.catalog.view_trouble["files_shown"] = [trouble]
    (outcome,) = emitted(reach, 10, 11)
    assert isinstance(outcome, ViewFailed)
    asked = bench.catalog.calls["files_shown"]
    found: list = []
    asyncio.run(describe_chunk(chunk(12, 13), reach, found.append))
    assert ([], asked) == (found, bench.catalog.calls["files_shown"])
    assert reach.view.trouble is not None


def test_provenance_that_was_said_to_be_missing_stops_the_run(bench):
    bench.catalog.files[EntityId("syn10")].activity_id = ActivityId("5")
    reach = bench.reach(FileVersionStrategy.NEW, asks_provenance=False)
    with_view(bench, reach)
    with pytest.raises(UsageError, match="syn10 has provenance"):
        emitted(reach, 10, 11)


def test_without_provenance_strategy_new_reads_one_file_in_a_hundred(bench):
    reach = bench.reach(FileVersionStrategy.NEW, asks_provenance=False)
    with_view(bench, reach)
    described = emitted(reach, *range(10, 10 + FILES))
    assert FILES == len([one for one in described if isinstance(one, Described)])
    assert 1 == bench.catalog.calls["file"]
    assert {False} == {item.facts.knows_activity for one in described for item in one.items}


def counted(reach: Reach, **files: int) -> tuple[list, CountedContainers]:
    """What comes of reading the view, when so many files were counted in these containers."""
    containers = tuple(
        CountedContainer(
            found=FoundEntity(
                seq=number, entity_id=EntityId(entity), parent_id=None, name="n", kind=EntityKind.FOLDER, version=1
            ),
            files=count,
        )
        for number, (entity, count) in enumerate(files.items(), start=1)
    )
    work, found = CountedContainers(containers=containers), []
    asyncio.run(find_files(work, reach, found.append))
    return found, work


def test_a_container_is_settled_when_as_many_files_were_seen_as_counted(bench):
    for number in range(150):
        bench.catalog.add_file(f"syn{5000 + number}", "syn2", ["100"])
    reach = bench.reach(via=IndexVia.VIEW)
    with_view(bench, reach)
    outcomes, _ = counted(reach, syn1=FILES, syn2=151)
    seen = [child for outcome in outcomes[:-1] for child in outcome.children]
    assert (FILES, 150) == tuple(sum(parent == one for parent, _ in seen) for one in ("syn1", "syn2"))
    assert CountsAgree(seqs=(1,)) == outcomes[-1]


class Recording(FakeClock):
    """While others wait, one more outcome is recorded."""

    def __init__(self, waiting: list) -> None:
        super().__init__()
        self._waiting = waiting

    async def sleep(self, seconds: float) -> None:
        self._waiting.pop()
        await super().sleep(seconds)


def test_a_view_is_read_no_faster_than_it_is_recorded(bench):
    """Twenty pages, and never more than three on their way to the index."""
    for number in range(2_000 - FILES):
        bench.catalog.add_file(f"syn{5000 + number}", "syn2", ["100"])
    reach = bench.reach(via=IndexVia.VIEW)
    with_view(bench, reach)
    waiting, most = [], []
    reach.clock = Recording(waiting)
    reach.backlog.counted_by(lambda: len(waiting))

    def emit(outcome):
        waiting.append(outcome)
        most.append(len(waiting))

    asyncio.run(find_files(CountedContainers(containers=()), reach, emit))

    assert (21, 3) == (len(most), max(most))


def test_files_of_containers_that_were_listed_are_passed_over(bench):
    reach = bench.reach(via=IndexVia.VIEW)
    with_view(bench, reach)
    outcomes, _ = counted(reach, syn2=0)
    assert [FilesSeen(children=()), CountsAgree(seqs=(1,))] == outcomes


def test_no_count_is_compared_when_the_view_fails_or_the_run_is_stopped(bench):
    reach = bench.reach(via=IndexVia.VIEW)
    with_view(bench, reach)
    bench.catalog.view_trouble["files_in_view"] = ["slow"]
    outcomes, _ = counted(reach, syn1=FILES)
    assert [ViewFailed] == [type(one) for one in outcomes]
    (reach.view.usable,) = bench.catalog.views
    reach.stop.set()
    assert [] == counted(reach, syn1=FILES)[0]


@pytest.mark.parametrize(("files", "calls"), [(40, 1), (120, 3), (249, 5), (300, 3), (5000, 3)])
def test_counting_the_files_of_a_container_takes_three_calls(bench, files, calls):
    bench.catalog.containers["syn2"] = []
    bench.catalog.add_container("syn3", "syn2")
    for number in range(files - 1):
        bench.catalog.add_file(f"syn{5000 + number}", "syn2", ["100"])
    reach = bench.reach(via=IndexVia.VIEW)
    reach.view.spares_listings = True
    bench.catalog.calls.clear()
    container = FoundEntity(
        seq=1, entity_id=EntityId("syn2"), parent_id=None, name="n", kind=EntityKind.FOLDER, version=1
    )
    found: list = []
    asyncio.run(list_container(container, reach, found.append))
    (listed,) = found
    assert files == len(listed.children) + listed.unlisted_files
    assert "syn3" in {child.id for child in listed.children}
    assert calls == sum(bench.catalog.calls.values())
