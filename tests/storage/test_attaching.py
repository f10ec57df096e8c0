"""Project settings against the sandbox: set, raced, resolved, removed; the rules of STS folders."""

import itertools

import pytest

from sandbox.server import Sandbox
from sandbox.synapse.kinds import Kind
from sandbox.synapse.location_types import LocationClass
from storage_core.errors import AccessError, AnswerLost, PreconditionFailed, UsageError
from storage_core.locations import StorageLocationType, build_location
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.upload_settings import SettingChange
from storage_core.steps.attaching import remove_setting, resolve_setting, set_locations
from storage_core.steps.declaring import declare_location
from storage_core.steps.mapping_uploads import map_uploads
from storage_core.steps.setting_up import S3Wish, set_up_s3
from storage_core.wiring.storage import StorageDesk

NAMES = (f"folder {number}" for number in itertools.count())


@pytest.fixture
def folder(desk: StorageDesk, project: str) -> EntityId:
    """A new, empty folder."""
    return desk.network.run(desk.storage.folder_named(next(NAMES), EntityId(project))).id


@pytest.fixture
def locations(desk: StorageDesk) -> list[StorageLocationId]:
    """Eleven of the user's own."""
    wanted = [{"url": f"https://lab.example.org/{number}"} for number in range(11)]
    return [make(desk, "EXTERNAL_HTTPS", **one) for one in wanted]


@pytest.fixture
def sts(desk: StorageDesk) -> StorageLocationId:
    return make(desk, "EXTERNAL_S3", bucket="lab", base_key="sts", sts_enabled=True)


def make(desk: StorageDesk, name: str, **wanted: object) -> StorageLocationId:
    return desk.network.run(declare_location(build_location(StorageLocationType[name], wanted), desk.storage)).id


def attach(desk: StorageDesk, entity: str, *ids: int):
    return desk.network.run(set_locations(EntityId(entity), [StorageLocationId(one) for one in ids], desk.storage))


def test_ten_locations_keep_their_order_and_eleven_are_refused(desk, folder, locations):
    made = attach(desk, folder, *locations[:10])
    turned = attach(desk, folder, *reversed(locations[:10]))
    same = attach(desk, folder, *reversed(locations[:10]))

    changes = [SettingChange.CREATED, SettingChange.UPDATED, SettingChange.UNCHANGED]
    assert changes == [made.change, turned.change, same.change]
    assert (
        tuple(reversed(locations[:10]))
        == turned.setting.location_ids
        == desk.network.run(desk.storage.setting(folder)).location_ids
    )
    assert (made.setting.id, False) == (turned.setting.id, made.setting.etag == turned.setting.etag)
    with pytest.raises(UsageError, match="11 storage locations were given; a setting holds from 1 to 10"):
        attach(desk, folder, *locations)
    with pytest.raises(UsageError, match="more than once"):
        attach(desk, folder, locations[0], locations[1], locations[0])
    with pytest.raises(UsageError, match="0 storage locations"):
        attach(desk, folder)


@pytest.mark.parametrize("name", [one.name for one in StorageLocationType])
def test_every_type_can_be_attached_and_is_what_resolving_finds(name, desk, folder):
    good = {
        "SYNAPSE_S3": {"description": "attached"},
        "EXTERNAL_S3": {"bucket": "lab"},
        "EXTERNAL_GOOGLE_CLOUD": {"bucket": "lab"},
        "EXTERNAL_SFTP": {"url": "sftp://lab/in"},
        "EXTERNAL_HTTPS": {"url": "https://lab/in"},
        "EXTERNAL_OBJECT_STORE": {"bucket": "lab", "endpoint_url": "https://store"},
        "PROXY": {"proxy_url": "https://proxy", "secret_key": "s" * 40, "benefactor_id": "syn5"},
    }
    location_id = make(desk, name, **good[name])

    attach(desk, folder, location_id)
    found = desk.network.run(resolve_setting(folder, desk.storage))

    assert ((location_id,), folder, False) == (found.location_ids, found.origin.id, found.is_inherited)
    # the service describes every type but a proxy to uploaders
    assert (None if name == "PROXY" else name) == (found.default and found.default.kind.value)


def test_the_nearest_setting_on_the_way_up_applies(desk, folder, locations, project, running):
    inner = desk.network.run(desk.storage.folder_named("inner", folder)).id
    deepest = desk.network.run(desk.storage.folder_named("deepest", inner)).id

    nothing = desk.network.run(resolve_setting(deepest, desk.storage))
    attach(desk, folder, locations[0], locations[1])
    inherited = desk.network.run(resolve_setting(deepest, desk.storage))
    attach(desk, inner, locations[2])
    nearer = desk.network.run(resolve_setting(deepest, desk.storage))

    assert ((1,), None, 1) == (nothing.location_ids, nothing.origin, nothing.default.id)
    assert ((locations[0], locations[1]), folder, True) == (
        inherited.location_ids,
        inherited.origin.id,
        inherited.is_inherited,
    )
    assert ((locations[2],), inner) == (nearer.location_ids, nearer.origin.id)


def test_a_file_is_asked_about_but_has_no_setting(desk, running, project, locations):
    file_id = EntityId(next(one.id for one in running.world.entities.all() if one.kind is Kind.FILE))

    assert (1,) == desk.network.run(resolve_setting(file_id, desk.storage)).location_ids
    with pytest.raises(UsageError, match="only projects and folders have settings"):
        attach(desk, file_id, locations[0])
    with pytest.raises(UsageError, match="only projects and folders have settings"):
        desk.network.run(map_uploads(file_id, desk.storage))


def test_removing_goes_back_to_what_is_inherited(desk, folder, locations):
    attach(desk, folder, locations[0])

    assert SettingChange.DELETED is desk.network.run(remove_setting(folder, desk.storage)).change
    assert SettingChange.ABSENT is desk.network.run(remove_setting(folder, desk.storage)).change
    assert (1,) == desk.network.run(resolve_setting(folder, desk.storage)).location_ids


class Raced:
    """The real storage, where somebody else does something just before each of our changes."""

    def __init__(self, storage, deed, *, times):
        self._storage = storage
        self._deed = deed
        self._left = times
        self.writes = 0

    def __getattr__(self, name):
        return getattr(self._storage, name)

    def _interfere(self):
        self.writes += 1
        if self._left:
            self._left -= 1
            self._deed()

    async def create_setting(self, setting):
        self._interfere()
        return await self._storage.create_setting(setting)

    async def update_setting(self, setting):
        self._interfere()
        await self._storage.update_setting(setting)


def race(desk, folder, wanted, deed, *, times=1):
    storage = Raced(desk.storage, deed, times=times)
    return storage, desk.network.run(set_locations(folder, [wanted], storage))


def test_a_change_by_somebody_faster_is_read_again_and_tried_once_more(desk, folder, locations, running):
    attach(desk, folder, locations[0])

    storage, done = race(desk, folder, locations[1], lambda: running.world.settings.put(running.world, folder, (1,)))

    assert (2, (locations[1],)) == (storage.writes, done.setting.location_ids)
    assert running.world.settings.of(folder).location_ids == (locations[1],)


def test_a_second_change_is_reported_and_theirs_stays(desk, folder, locations, running):
    attach(desk, folder, locations[0])
    theirs = itertools.cycle([(1,), (int(locations[3]),)])

    with pytest.raises(PreconditionFailed, match="Somebody else keeps changing the setting") as told:
        race(
            desk, folder, locations[1], lambda: running.world.settings.put(running.world, folder, next(theirs)), times=9
        )

    assert 412 == told.value.status
    assert running.world.settings.of(folder).location_ids == (int(locations[3]),)


def test_a_setting_that_came_or_went_meanwhile_is_met(desk, folder, locations, running):
    world = running.world
    storage, done = race(desk, folder, locations[0], lambda: world.settings.put(world, folder, (1,)))
    assert (2, SettingChange.UPDATED) == (storage.writes, done.change)

    storage, done = race(desk, folder, locations[1], lambda: world.settings.remove(folder))
    assert (2, SettingChange.CREATED) == (storage.writes, done.change)

    wanted = int(locations[2])
    storage, done = race(desk, folder, locations[2], lambda: world.settings.put(world, folder, (wanted,)))
    assert (1, (locations[2],)) == (storage.writes, done.setting.location_ids)


class Loses:
    """The real storage; the first change's answer is lost after it was made."""

    def __init__(self, storage):
        self._storage = storage

    def __getattr__(self, name):
        return getattr(self._storage, name)

    async def create_setting(self, setting):
        await self._storage.create_setting(setting)
        raise AnswerLost(call="POST /projectSettings", status=504, reason="gateway")

    async def delete_setting(self, setting_id):
        await self._storage.delete_setting(setting_id)
        raise AnswerLost(call="DELETE /projectSettings/#", status=504, reason="gateway")


def test_a_lost_answer_is_settled_by_reading(desk, folder, locations):
    done = desk.network.run(set_locations(folder, [locations[0]], Loses(desk.storage)))
    gone = desk.network.run(remove_setting(folder, Loses(desk.storage)))

    assert (SettingChange.CREATED, (locations[0],)) == (done.change, done.setting.location_ids)
    assert SettingChange.DELETED is gone.change


def writes(running: Sandbox) -> int:
    return sum(
        count
        for call, count in running.app.traffic.by_call.items()
        if not call.startswith("GET ") and "/projectsettings" in call.lower()
    )


def test_writes_are_counted(desk, folder, locations, running):
    before = writes(running)

    attach(desk, folder, locations[0])

    assert 1 == writes(running) - before


STS_RULES = ["project", "not alone", "not empty", "below", "remove", "change"]


@pytest.mark.parametrize("rule", STS_RULES)
def test_sts_rules_are_checked_before_anything_is_sent(rule, desk, folder, locations, sts, project, running):
    """Contract 3.2; the service would refuse each of these too, with less to go on."""
    inner = EntityId("")
    if rule in {"below", "remove", "change"}:
        attach(desk, folder, sts)
    if rule in {"not empty", "below", "remove", "change"}:
        inner = desk.network.run(desk.storage.folder_named("inner", folder)).id
    before = writes(running)
    attempts = {
        "project": (lambda: attach(desk, project, sts), "never to a project"),
        "not alone": (lambda: attach(desk, folder, sts, 1), "must be the only one in the list"),
        "not empty": (lambda: attach(desk, folder, sts), "is not empty"),
        "below": (lambda: attach(desk, inner, locations[0]), "nothing below such a folder"),
        "remove": (lambda: desk.network.run(remove_setting(folder, desk.storage)), "is not empty"),
        "change": (lambda: attach(desk, folder, locations[0]), "is not empty"),
    }
    attempt, sentence = attempts[rule]

    with pytest.raises(UsageError, match=sentence):
        attempt()

    assert before == writes(running)


def test_an_empty_sts_folder_may_be_changed_and_freed(desk, folder, sts, locations):
    attach(desk, folder, sts)
    assert SettingChange.UPDATED is attach(desk, folder, locations[0]).change
    attach(desk, folder, sts)
    assert SettingChange.DELETED is desk.network.run(remove_setting(folder, desk.storage)).change


def test_only_the_trash_which_nobody_sees_is_left_to_the_service(desk, folder, sts, running):
    inner = desk.network.run(desk.storage.folder_named("inner", folder)).id
    running.world.entities.trash(running.world.entities.require(inner))

    with pytest.raises(UsageError, match="its part of the trash included"):
        attach(desk, folder, sts)


def test_somebody_elses_bucket_is_not_attached(desk, folder, running):
    world = running.world
    fields = {"uploadType": "S3", "bucket": "lab", "baseKey": "theirs", "stsEnabled": None}
    foreign = world.locations.store(world, "1", LocationClass.EXTERNAL_S3, fields).id
    sftp = {"uploadType": "SFTP", "url": "sftp://their.example.org"}
    open_to_all = world.locations.store(world, "1", LocationClass.EXTERNAL_URL, sftp).id
    before = writes(running)

    with pytest.raises(AccessError, match="only its creator may attach it"):
        attach(desk, folder, foreign)
    assert before == writes(running)
    with pytest.raises(UsageError, match="There is no storage location 987654"):
        attach(desk, folder, 987654)
    assert (open_to_all,) == attach(desk, folder, open_to_all).setting.location_ids


def test_the_tree_counts_files_beyond_one_page(desk, folder, running, locations, project):
    """More than 50 children: pages of folders, and a count."""
    entities = running.world.entities
    handle_id = next(one.versions[-1].handle_id for one in entities.all() if one.kind is Kind.FILE)
    inner = desk.network.run(desk.storage.folder_named("inner", folder)).id
    attach(desk, inner, locations[0])
    for kind, count in ((Kind.FILE, 60), (Kind.FOLDER, 55)):
        for number in range(count):
            held = {"handle_id": handle_id} if kind is Kind.FILE else {}
            name = f"{kind.value} {number}"
            entities.add(running.world, kind=kind, name=name, parent_id=folder, created_by="3412", **held)

    nodes = desk.network.run(map_uploads(folder, desk.storage))

    assert (57, 60, 0) == (len(nodes), nodes[0].file_count, nodes[1].file_count)
    by_id = {node.container.id: node for node in nodes}
    assert ((locations[0],), inner, 1) == (by_id[inner].location_ids, by_id[inner].origin_id, by_id[inner].depth)
    assert all(node.parent_id == folder for node in nodes[1:])


def test_setting_up_does_all_or_finds_all(desk, project):
    wish = S3Wish(parent_id=EntityId(project), folder_name=next(NAMES), bucket="lab", base_key="sts", sts_enabled=True)

    first = desk.network.run(set_up_s3(wish, desk.storage))
    again = desk.network.run(set_up_s3(wish, desk.storage))

    assert (first.container, first.declared.id) == (again.container, again.declared.id)
    assert (SettingChange.CREATED, SettingChange.UNCHANGED) == (first.setting.change, again.setting.change)


def test_setting_up_checks_the_folder_before_it_makes_a_location(desk, project, running):
    count = len(running.world.locations.all())
    wish = S3Wish(container_id=EntityId(project), bucket="lab", base_key="sts", sts_enabled=True, description="never")

    with pytest.raises(UsageError, match="never to a project"):
        desk.network.run(set_up_s3(wish, desk.storage))

    assert count == len(running.world.locations.all())


def test_setting_up_in_synapses_own_storage(desk, project):
    wish = S3Wish(parent_id=EntityId(project), folder_name=next(NAMES), sts_enabled=True)

    first, again = (desk.network.run(set_up_s3(wish, desk.storage)) for _ in range(2))

    assert (first.declared.id, SettingChange.UNCHANGED) == (again.declared.id, again.setting.change)
    both = S3Wish(parent_id=EntityId(project), folder_name="x", container_id=EntityId(project))
    with pytest.raises(UsageError, match="Either an existing project or folder"):
        desk.network.run(set_up_s3(both, desk.storage))
