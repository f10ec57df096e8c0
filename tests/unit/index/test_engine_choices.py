"""The index and the engines: chosen once, kept until a retry, shared out by place; older files stay with theirs."""

from dataclasses import replace

import duckdb
import pytest

from storage_core.index.schema import STEPS, bring_up_to_date
from storage_core.index.store import Index
from storage_core.model.copies import CopyFailed, CopyRequest, EngineName
from storage_core.model.engines import CopyChoice
from storage_core.model.items import ReasonClass, ReasonCode
from storage_core.steps.copying import Length, claim_copies
from tests.unit.index.builders import handle, indexed_tree, made, version_item

GIB = 1024**3
CHOOSING = next(step.number for step in STEPS if step.name == "engines chosen per copy")


def by(engine: EngineName, *, part_size_bytes: int | None = None):
    def choose(request: CopyRequest) -> CopyChoice:
        return CopyChoice(copy_id=request.copy_id, engine=engine, part_size_bytes=part_size_bytes)

    return choose


def test_a_copy_keeps_the_engine_and_the_parts_with_which_it_was_taken_up(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)))

    (first,) = claim_copies(index, 0, 10, length=Length.SHORT, choose=by(EngineName.S3, part_size_bytes=7))
    (again,) = claim_copies(index, 0, 10, length=Length.SHORT, choose=by(EngineName.SYNAPSE))

    assert (EngineName.S3, 7, False) == (first.engine, first.part_size_bytes, first.begun_before)
    assert (EngineName.S3, 7, True) == (again.engine, again.part_size_bytes, again.begun_before)


def test_a_retry_has_the_engine_chosen_anew_and_knows_that_something_may_be_there(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)))
    (request,) = claim_copies(index, 0, 10, length=Length.SHORT, choose=by(EngineName.S3))
    failed = CopyFailed(
        copy_id=request.copy_id, source=request.source.id, reason=ReasonCode.NO_KEY_ACCESS, detail="403"
    )
    index.record_copies([failed])
    index.retry(frozenset(ReasonClass))

    (again,) = claim_copies(index, 0, 10, length=Length.SHORT, choose=by(EngineName.SYNAPSE))

    assert (EngineName.SYNAPSE, True) == (again.engine, again.begun_before)


def test_copies_are_told_by_where_they_are_read_and_who_has_begun_them(index: Index) -> None:
    other = replace(handle(12, location=5), bucket="other")
    large = handle(13, size_bytes=6 * GIB)
    indexed_tree(index, *(version_item(2 + n, 1, of) for n, of in enumerate((handle(10), handle(11), other, large))))
    first = index.pending_copies(after=0, limit=1)[0]
    index.record_choices([CopyChoice(copy_id=first.copy_id, engine=EngineName.SYNAPSE)])

    told = [
        (source.engine, source.sample.bucket, source.copies, source.size_bytes, source.parts)
        for source in index.copy_sources()
    ]

    assert [
        (EngineName.SYNAPSE, "bucket", 1, 100, 1),
        (None, "bucket", 2, 100 + 6 * GIB, 1 + 3),
        (None, "other", 1, 100, 1),
    ] == told


def test_what_a_copy_showed_comes_back_whole(index: Index) -> None:
    indexed_tree(index, version_item(2, 1, handle(10)))
    (request,) = index.pending_copies(after=0, limit=1)
    plain = made(request, 9000)
    evidence = replace(plain.evidence, source_checksum="CRC32:a", new_checksum="CRC32:b", may_be_twice=True)
    index.record_copies([replace(plain, engine=EngineName.S3, evidence=evidence)])

    (work,) = index.pending_proofs(after=0, limit=1)

    assert evidence == work.copied.evidence
    told = index._database.rows("select detail from events_v1 where event = 'registered again'")
    assert 1 == len(told)
    assert "9000" in told[0][0]


@pytest.mark.parametrize(
    ("others", "expected"),
    [("PROVEN", ("synapse", True)), ("FAILED", ("synapse", True)), ("PENDING", (None, None))],
)
def test_a_migration_that_an_older_release_had_begun_goes_on_by_synapse(others: str, expected: object) -> None:
    """Nobody knows which copies that release has begun; another engine would make them a second time."""
    before = [step for step in STEPS if step.number < CHOOSING]
    with duckdb.connect(":memory:") as connection:
        bring_up_to_date(connection, 0, tuple(before))
        for number, status in ((1, others), (2, "PENDING")):
            connection.execute(
                "insert into copy (copy_id, from_handle, from_location, status, attempts, discard_previous, updated_at)"
                " values (?, 7, 1, ?, 0, false, now())",
                [number, status],
            )

        bring_up_to_date(connection, before[-1].number, STEPS)

        assert expected == connection.execute("select engine, begun from copy where copy_id = 2").fetchone()
