"""A source that an entity does not use any more: its places are told of, others are migrated, nothing else waits."""

from storage_core.model.copies import SourceWithdrawn
from storage_core.model.entities import EntityKind
from storage_core.model.ids import EntityId
from storage_core.model.items import ReasonClass, ReasonCode
from storage_core.model.works import Described, Listed
from tests.unit.index.builders import ROOT, fresh_index, handle, header, statuses, syn, version_item

FIRST, SECOND = 10, 11


def fill(index, *entities: int):
    """Files that share one handle, each in two versions; the one copy there is to make."""
    index.add_roots([header(1, EntityKind.PROJECT)])
    (root,) = index.pending_containers(after=0, limit=1)
    index.record_listings([Listed(seq=root.seq, container_id=ROOT, children=tuple(header(one) for one in entities))])
    index.record_descriptions(
        [
            Described(
                seq=one.seq,
                entity_id=one.entity_id,
                items=tuple(version_item(int(one.entity_id[3:]), version, handle(500)) for version in (1, 2)),
            )
            for one in index.pending_files(after=0, limit=10)
        ]
    )
    index.finish_indexing()
    (request,) = index.pending_copies(after=0, limit=10)
    return request


def withdrawn(request, entity: EntityId, reason: ReasonCode = ReasonCode.HANDLE_CHANGED) -> SourceWithdrawn:
    return SourceWithdrawn(
        copy_id=request.copy_id, source=request.source.id, entity=entity, reason=reason, detail="found 501"
    )


def test_the_source_is_read_in_the_name_of_another_entity_that_uses_it(tmp_path):
    with fresh_index(tmp_path) as index:
        request = fill(index, FIRST, SECOND)
        assert syn(FIRST) == request.association.object_id

        tally = index.record_copies([withdrawn(request, syn(FIRST))])

        (again,) = index.pending_copies(after=0, limit=10)
        assert (request.copy_id, syn(SECOND)) == (again.copy_id, again.association.object_id)
        assert {"DRIFTED": 2, "INDEXED": 2} == statuses(index)
        assert (2, 0) == (tally.drifted, tally.failed)


def test_a_copy_that_no_place_needs_any_more_is_forgotten_and_made_when_one_does(tmp_path):
    with fresh_index(tmp_path) as index:
        request = fill(index, FIRST)

        tally = index.record_copies([withdrawn(request, syn(FIRST), ReasonCode.GONE)])

        assert () == index.pending_copies(after=0, limit=10)
        assert [] == index._database.rows("select * from copies_v1")
        assert ({"ERRORED": 2}, 2) == (statuses(index), tally.failed)
        index.retry(frozenset(ReasonClass))
        index.finish_indexing()
        (again,) = index.pending_copies(after=0, limit=10)
        assert request.source.id == again.source.id


def test_an_outcome_that_comes_late_changes_nothing(tmp_path):
    with fresh_index(tmp_path) as index:
        request = fill(index, FIRST, SECOND)
        late = withdrawn(request, syn(FIRST))
        index.record_copies([late])

        tally = index.record_copies([late])

        assert {"DRIFTED": 2, "INDEXED": 2} == statuses(index)
        assert (0, 0) == (tally.drifted, tally.failed)
