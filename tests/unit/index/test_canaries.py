"""While the canary runs, the index offers its works alone; which they are is kept, and chosen by what waits."""

from collections.abc import Callable

import pytest

from storage_core.index.store import Index
from storage_core.model.canaries import CanaryVerdict
from storage_core.model.copies import ProofRung
from storage_core.model.repoints import Repointed
from storage_core.model.works import Verified
from tests.unit.index.builders import cell_item, handle, indexed_tree, made, proven, version_item

FILES = range(11, 19)
TABLES = (21, 22)
OF_CANARY = frozenset({11, 13, 15, 17, 21})
"""Every other file, and one of the tables: copies of which half are in the canary at every step."""


@pytest.fixture
def halfway(index: Index) -> Index:
    """Two files at each step (to be copied, proven, changed, read back), two tables; half of it is canary."""
    indexed_tree(
        index,
        *(version_item(number, 1, handle(number)) for number in FILES),
        *(cell_item(number, 1, handle(number)) for number in TABLES),
    )
    requests = {int(one.source.id): one for one in index.pending_copies(after=0, limit=99)}
    index.add_to_canary([requests[number].copy_id for number in OF_CANARY])
    copied = [made(requests[number], 1000 + number) for number in (*range(13, 19), *TABLES)]
    index.record_copies(copied)
    index.record_proofs([proven(one) for one in copied if int(one.source) >= 15])
    works = [one for one in index.pending_repoints(after=0, limit=99) if one.entity_id in {"syn17", "syn18"}]
    index.record_repoints([Repointed(item_id=change.item_id) for work in works for change in work.changes])
    return index


OFFERS: dict[str, Callable[[Index], set[str]]] = {
    "copies": lambda index: {one.source.id for one in index.pending_copies(after=0, limit=9)},
    "proofs": lambda index: {one.copied.source for one in index.pending_proofs(after=0, limit=9)},
    "changes": lambda index: {one.entity_id[3:] for one in index.pending_repoints(after=0, limit=9)},
    "readings": lambda index: {one.association.object_id[3:] for one in index.pending_verifications(after=0, limit=9)},
    "snapshots": lambda index: {one.table_id[3:] for one in index.pending_snapshots(after=0, limit=9)},
    "cells": lambda index: {one.table_id[3:] for one in index.pending_cells(after=0, limit=9)},
}
BOTH = {
    "copies": {"11", "12"},
    "proofs": {"13", "14"},
    "changes": {"15", "16"},
    "readings": {"17", "18"},
    "snapshots": {"21", "22"},
    "cells": {"21", "22"},
}


@pytest.mark.parametrize("offer", OFFERS)
def test_only_what_is_the_canarys_is_offered_and_afterwards_everything_again(halfway: Index, offer: str) -> None:
    with halfway.only_canary():
        narrowed = OFFERS[offer](halfway)

    assert {one for one in BOTH[offer] if int(one) in OF_CANARY} == narrowed
    assert BOTH[offer] == OFFERS[offer](halfway)


def test_a_failure_inside_ends_the_narrowing(halfway: Index) -> None:
    with pytest.raises(ValueError, match="in the middle"), halfway.only_canary():
        raise ValueError("in the middle")
    assert BOTH["copies"] == OFFERS["copies"](halfway)


def test_candidates_are_copies_that_places_wait_for_few_of_each_sort(index: Index) -> None:
    """A handle of three places counts once; of many alike a few, with how many there are; none that was chosen."""
    shared = handle(50)
    indexed_tree(
        index,
        *(version_item(number, 1, handle(number)) for number in range(11, 31)),
        *(version_item(40, version, shared) for version in (1, 2, 3)),
        version_item(41, 1, handle(41, size_bytes=5_000_000_000)),
        version_item(42, 1, handle(42, location=9)),
    )

    found = index.canary_candidates(at_most=2)
    index.add_to_canary([one.copy_id for one in found])

    sorts = {(one.used_by, one.size_band, one.origin): one.alike for one in found}
    assert {21, 1} == set(sorts.values())
    assert 3 == len(sorts)
    assert 2 + 2 == len(found)
    assert {5_000_000_000} == {one.size_bytes for one in found if one.size_band == 10}
    assert not {one.copy_id for one in found} & {one.copy_id for one in index.canary_candidates(at_most=99)}
    (with_places,) = [one for one in index.canary_candidates(at_most=99) if one.items == 3]
    index.add_to_canary([with_places.copy_id])
    assert 4 + 3 == index.canary().items


def test_what_it_came_to_is_kept_with_what_it_took(halfway: Index) -> None:
    """Rungs count items that arrived, not copies that wait; a second run is added to the first."""
    assert (5, CanaryVerdict.WAITING) == (halfway.canary().items, halfway.canary().verdict)
    halfway.record_verifications(
        [Verified(item_id=one.item_id) for one in halfway.pending_verifications(after=0, limit=9)]
    )
    halfway.note_canary_run(seconds=1.5, calls=20)
    halfway.note_canary_run(seconds=0.25, calls=3)
    halfway.agree_to_go_on("Ann")

    result = halfway.canary()

    assert [(ProofRung.PART_ETAG, 1)] == [(one.rung, one.items) for one in result.rungs]
    assert (1.75, 23, True) == (result.seconds, result.calls, result.is_agreed)
