"""Protecting containers: whatever dies in between, every access list can be put back; nobody else's is lost."""

import asyncio
import contextlib

import pytest

from storage_core.errors import AccessError, AnswerLost, Forbidden, PreconditionFailed, UsageError
from storage_core.model.entities import EntityHeader, EntityKind, Permissions, RootSnapshot
from storage_core.model.ids import EntityId, PrincipalId
from storage_core.model.protection import AccessEntry, AccessList
from storage_core.steps.protecting import Protector
from tests.unit.index.builders import ROOT, fresh_index, header, listed_tree, syn

ME = PrincipalId("7")
TEAM, PUBLIC = 9, 273949
ALL = frozenset({"READ", "DOWNLOAD", "CREATE", "UPDATE", "DELETE", "CHANGE_PERMISSIONS", "CHANGE_SETTINGS", "MODERATE"})
FOLDER, CLOSED = syn(2), syn(3)
OF_PROJECT = (
    AccessEntry(principal=TEAM, rights=ALL),
    AccessEntry(principal=8, rights=frozenset({"READ", "DOWNLOAD", "UPDATE"})),
    AccessEntry(principal=PUBLIC, rights=frozenset({"READ"})),
)
OF_CLOSED = (AccessEntry(principal=TEAM, rights=ALL), AccessEntry(principal=8, rights=frozenset({"SUBMIT"})))


class Died(BaseException):
    """The process is gone."""


class Lists:
    """Access lists in memory. ME is in TEAM. `dies_at` counts boundaries: before a change, and after it, unanswered."""

    def __init__(self, dies_at=None):
        self.lists = {ROOT: ("0", OF_PROJECT), CLOSED: ("0", OF_CLOSED)}
        self.boundary = 0
        self.dies_at = dies_at
        self.loses_answers = False
        self.delays_at = None
        self.is_waited_for = False
        self.delayed = None
        self.etags = self.writes = 0

    async def access_list(self, entity_id):
        held = self.lists.get(entity_id)
        return None if held is None else AccessList(entity_id=entity_id, etag=held[0], entries=held[1])

    async def benefactor(self, entity_id):
        return entity_id if entity_id in self.lists else ROOT

    async def rights(self, entity_id):
        entries = self.lists[await self.benefactor(entity_id)][1]
        return frozenset().union(*(one.rights for one in entries if one.principal in {int(ME), TEAM}))

    async def start_access_list(self, entity_id, entries):
        await self.now_or_later(lambda: self.start(entity_id, entries))

    async def start(self, entity_id, entries):
        if entity_id in self.lists:
            raise self.refused(Forbidden, 403)
        await self.change(entity_id, entries)

    async def replace_access_list(self, entity_id, entries, *, etag):
        await self.now_or_later(lambda: self.replace(entity_id, entries, etag))

    async def replace(self, entity_id, entries, etag):
        if entity_id not in self.lists:
            raise self.refused(Forbidden, 403)
        if self.lists[entity_id][0] != etag:
            raise self.refused(PreconditionFailed, 412)
        await self.change(entity_id, entries)

    async def drop_access_list(self, entity_id):
        await self.now_or_later(lambda: self.drop(entity_id))

    async def drop(self, entity_id):
        if entity_id not in self.lists:
            raise self.refused(Forbidden, 403)
        await self.change(entity_id, None)

    async def now_or_later(self, write):
        """Carry a write out; or keep it for later, when whoever sent it has died or given up waiting."""
        self.writes += 1
        if self.writes != self.delays_at:
            await write()
            return
        self.delayed = write
        raise self.refused(AnswerLost, 0) if self.is_waited_for else Died

    async def deliver(self):
        """Carry out what was kept, as far as it is still allowed."""
        with contextlib.suppress(Forbidden, PreconditionFailed, AnswerLost):
            await self.delayed()

    async def change(self, entity_id, entries):
        if "CHANGE_PERMISSIONS" not in await self.rights(entity_id):
            raise self.refused(Forbidden, 403)
        self.reach()
        self.etags += 1
        if entries is None:
            del self.lists[entity_id]
        else:
            self.lists[entity_id] = (str(self.etags), entries)
        self.reach()
        if self.loses_answers:
            raise self.refused(AnswerLost, 0)

    def reach(self):
        self.boundary += 1
        if self.boundary == self.dies_at:
            raise Died

    def refused(self, kind, status):
        return kind(call="PUT /entity/#/acl", status=status, reason="refused")

    def granted(self):
        return {entity: frozenset(entries) for entity, (_, entries) in self.lists.items()}


class Loop:
    def run(self, work):
        return asyncio.run(work)


@pytest.fixture
def walked(tmp_path):
    """A project with a folder that inherits and one that does not."""
    with fresh_index(tmp_path) as index:
        listed_tree(index, header(2, EntityKind.FOLDER), header(3, EntityKind.FOLDER))
        yield index


@pytest.fixture
def folder_alone(tmp_path):
    """An index of the folder that inherits."""
    with fresh_index(tmp_path) as index:
        index.add_roots([header(2, EntityKind.FOLDER)])
        yield index


@pytest.fixture(params=["project", "folder"])
def either(request):
    """The index, and the root that it was made for."""
    name, root = ("walked", ROOT) if request.param == "project" else ("folder_alone", FOLDER)
    return request.getfixturevalue(name), root


def protector(index, lists, said=None):
    return Protector(index, lists, Loop(), (said if said is not None else []).append)


BEFORE = Lists().granted()


def test_others_may_view_and_the_user_keeps_what_a_team_gave(walked):
    """Who could not view does not begin to; a folder that inherits is left alone."""
    lists = Lists()

    protector(walked, lists).protect([ROOT], ME)

    assert {
        ROOT: frozenset(
            {
                AccessEntry(principal=7, rights=ALL),
                AccessEntry(principal=TEAM, rights=frozenset({"READ"})),
                AccessEntry(principal=8, rights=frozenset({"READ"})),
                AccessEntry(principal=PUBLIC, rights=frozenset({"READ"})),
            }
        ),
        CLOSED: frozenset(
            {AccessEntry(principal=7, rights=ALL), AccessEntry(principal=TEAM, rights=frozenset({"READ"}))}
        ),
    } == lists.granted()
    protector(walked, lists).lift()
    assert BEFORE == lists.granted()
    assert () == walked.protections()


def test_a_folder_as_root_gets_a_list_and_inherits_again_afterwards(folder_alone):
    lists = Lists()
    protector(folder_alone, lists).protect([FOLDER], ME)
    assert BEFORE[ROOT] == lists.granted()[ROOT]
    assert AccessEntry(principal=8, rights=frozenset({"READ"})) in lists.lists[FOLDER][1]

    protector(folder_alone, lists).lift()

    assert BEFORE == lists.granted()


def test_after_a_death_at_any_boundary_everything_is_put_back(either):
    """Before and after each change of protecting and of lifting; the process that comes next lifts."""
    index, root = either
    clean = Lists()
    protect_and_lift(index, clean, root)
    for boundary in range(1, clean.boundary + 1):
        lists = Lists(dies_at=boundary)
        with pytest.raises(Died):
            protect_and_lift(index, lists, root)
        lists.dies_at = None
        protector(index, lists).lift()
        assert BEFORE == lists.granted(), boundary
        assert () == index.protections()
    assert (8 if root == ROOT else 6) == clean.boundary


def test_a_write_that_is_carried_out_after_the_lift_takes_nobodys_rights(either):
    """Each write in turn: whoever sent it died, the next process lifted, and only then Synapse carried it out."""
    index, root = either
    clean = Lists()
    protect_and_lift(index, clean, root)
    for write in range(1, clean.writes + 1):
        lists = Lists()
        lists.delays_at = write
        with pytest.raises(Died):
            protect_and_lift(index, lists, root)
        protector(index, lists).lift()
        asyncio.run(lists.deliver())
        assert BEFORE[ROOT] == lists.granted()[ROOT], write
        # at worst a folder has a list of its own afterwards, which grants what it inherited
        assert lists.granted().get(FOLDER, BEFORE[ROOT]) == BEFORE[ROOT], write
        assert lists.granted()[CLOSED] == BEFORE[CLOSED], write
    assert (4 if root == ROOT else 3) == clean.writes


def test_a_write_whose_answer_was_lost_and_that_is_carried_out_after_the_lift_takes_nobodys_rights(either):
    """The same process has sent it again, or has gone on, and has lifted."""
    index, root = either
    for write in range(1, 5):
        lists = Lists()
        lists.delays_at, lists.is_waited_for = write, True
        protect_and_lift(index, lists, root)
        if lists.delayed is not None:
            asyncio.run(lists.deliver())
        assert BEFORE[ROOT] == lists.granted()[ROOT], write
        assert lists.granted().get(FOLDER, BEFORE[ROOT]) == BEFORE[ROOT], write
        assert lists.granted()[CLOSED] == BEFORE[CLOSED], write


def test_what_the_user_may_not_change_any_more_counts_as_put_back_when_it_is_as_it_was(walked):
    lists = Lists(dies_at=1)
    with pytest.raises(Died):
        protector(walked, lists).protect([ROOT], ME)
    lists.dies_at = None
    lists.rights = lambda entity_id: no_rights()

    protector(walked, lists).lift()

    assert () == walked.protections()


async def no_rights():
    return frozenset()


def protect_and_lift(index, lists, root):
    protector(index, lists).protect([root], ME)
    protector(index, lists).lift()


def test_lost_answers_are_settled_by_reading(either):
    index, root = either
    lists = Lists()
    lists.loses_answers = True

    protector(index, lists).protect([root], ME)
    assert BEFORE != lists.granted()
    protector(index, lists).lift()

    assert BEFORE == lists.granted()


def test_what_somebody_changed_meanwhile_is_left_and_both_lists_are_told(walked):
    lists, said = Lists(), []
    protector(walked, lists).protect([ROOT], ME)
    theirs = (AccessEntry(principal=7, rights=ALL), AccessEntry(principal=11, rights=frozenset({"READ", "DOWNLOAD"})))
    lists.lists[ROOT] = ("theirs", theirs)

    protector(walked, lists, said).lift()

    assert ("theirs", theirs) == lists.lists[ROOT]
    assert frozenset(OF_CLOSED) == lists.granted()[CLOSED]
    (told,) = said
    assert "11: DOWNLOAD, READ" in told
    assert "before the migration it was: 8: DOWNLOAD, READ, UPDATE" in told
    assert () == walked.protections()


def test_a_list_that_somebody_made_inherit_again_stays_so(walked):
    lists = Lists()
    protector(walked, lists).protect([ROOT], ME)
    del lists.lists[CLOSED]

    protector(walked, lists).lift()

    assert {ROOT: BEFORE[ROOT]} == lists.granted()


def test_a_folder_below_that_the_user_may_not_share_stops_it_and_all_can_be_put_back(walked):
    lists = Lists()
    lists.lists[CLOSED] = ("0", (AccessEntry(principal=8, rights=ALL),))
    before = lists.granted()

    with pytest.raises(AccessError, match=r"syn3.*of its own"):
        protector(walked, lists).protect([ROOT], ME)
    protector(walked, lists).lift()

    assert before == lists.granted()


def test_protecting_twice_keeps_the_first_list(walked):
    """A run that goes on after a crash must not take the protected list for the original."""
    lists = Lists()
    protector(walked, lists).protect([ROOT], ME)
    protector(walked, lists).protect([ROOT], ME)

    protector(walked, lists).lift()

    assert BEFORE == lists.granted()


@pytest.mark.parametrize(
    ("kind", "may_share", "error"),
    [(EntityKind.FILE, True, UsageError), (EntityKind.PROJECT, False, AccessError)],
)
def test_what_cannot_be_protected_is_refused_before_anything_is_asked(walked, kind, may_share, error):
    root = RootSnapshot(
        header=EntityHeader(id=EntityId("syn1"), name="brains", kind=kind),
        parent_id=None,
        permissions=Permissions(can_view=True, can_change_permissions=may_share),
    )
    with pytest.raises(error, match="brains"):
        protector(walked, Lists()).check([root])
