"""One handle that very many places use: one copy, and each place is told of once."""

import pytest

from storage_core.model.entities import EntityKind
from storage_core.model.repoints import Repointed
from storage_core.model.works import Described, Listed, Verified
from tests.unit.index.builders import ROOT, fresh_index, handle, header, made, proven, statuses, version_item

PAGE = 5_000


@pytest.mark.parametrize("places", [1_000, pytest.param(100_000, marks=[pytest.mark.long, pytest.mark.timeout(1200)])])
def test_a_handle_used_very_often_is_copied_once_and_repointed_everywhere(tmp_path, places):
    shared = handle(500)
    with fresh_index(tmp_path) as index:
        index.add_roots([header(1, EntityKind.PROJECT)])
        (root,) = index.pending_containers(after=0, limit=1)
        children = tuple(header(number) for number in range(1000, 1000 + places))
        index.record_listings([Listed(seq=root.seq, container_id=ROOT, children=children)])
        while found := index.pending_files(after=0, limit=PAGE):
            index.record_descriptions(
                [
                    Described(
                        seq=one.seq, entity_id=one.entity_id, items=(version_item(int(one.entity_id[3:]), 1, shared),)
                    )
                    for one in found
                ]
            )
        index.finish_indexing()
        (request,) = index.pending_copies(after=0, limit=10)
        copied = made(request, 9000)
        index.record_copies([copied])
        index.record_proofs([proven(copied)])
        while works := index.pending_repoints(after=0, limit=PAGE):
            index.record_repoints([Repointed(item_id=change.item_id) for work in works for change in work.changes])
        while read := index.pending_verifications(after=0, limit=PAGE):
            index.record_verifications([Verified(item_id=work.item_id) for work in read])
        assert {"MIGRATED": places} == statuses(index)
