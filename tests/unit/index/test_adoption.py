"""Importing an index of the existing client: the nine rules, one by one, and what is refused."""

import hashlib
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from builders import handle, header
from old_index import MODELS_DDL, SETTINGS, file, row, write_old_index

from storage_core.errors import IndexUnusable, UsageError
from storage_core.index.adoption import read_old_index
from storage_core.index.importing import import_old_index
from storage_core.index.opening import open_index
from storage_core.index.reading import open_for_reading
from storage_core.model.adoptions import Adoption, Maker, OldCounts
from storage_core.model.entities import EntityKind
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.items import IndexedItem, ItemFacts, ItemStatus
from storage_core.model.places import FileVersion
from storage_core.model.settings import FileVersionStrategy, MigrationSettings
from storage_core.model.works import Described, Listed


def adopted(path: Path) -> Adoption:
    return read_old_index(path, room=path.parent).adoption


@pytest.fixture
def old(tmp_path):
    return tmp_path / "old.db"


def test_rule_1_containers_are_no_work(old):
    """A project's row with status 1 is a finished listing, not something that waits."""
    write_old_index(old, row("syn1", 1, 1), row("syn2", 2, 1, parent_id="syn1"), file("syn3", 1))

    assert OldCounts(rows=3, containers=2, waiting=1) == adopted(old).counts


@pytest.mark.parametrize("status", [1, 4], ids=["rule 2: indexed, perhaps done", "rule 3: failed, perhaps done"])
def test_an_unfinished_place_is_read_again(old, tmp_path, status):
    """Whether a killed client had finished it, only Synapse can say."""
    write_old_index(old, file("syn2", status))

    assert ["syn2"] == read_again(old, tmp_path / "new.duckdb", header(2))


def test_rule_3_failures_are_told_apart(old):
    """Without a handle the look failed, with one the move did; both are looked at again."""
    write_old_index(old, row("syn2", 3, 4, parent_id="syn1", exception="Traceback"), file("syn3", 4))

    counts = adopted(old).counts

    assert (1, 1) == (counts.not_indexed, counts.not_migrated)


def test_rule_4_all_indexes_of_the_models_are_not_believed(old, tmp_path):
    """They give every version the newest handle; those of the functions are right."""
    rows = [file("syn2", 2, version=2, new="90"), file("syn2", 2, version=1, source="12", new="91")]
    theirs = write_old_index(tmp_path / "functions.db", *rows, file_version_strategy="all")
    write_old_index(old, *rows, ddl=MODELS_DDL, file_version_strategy="all")

    assert (Maker.FUNCTIONS, 2) == (adopted(theirs).maker, len(adopted(theirs).versions))
    assert (Maker.MODELS, 0) == (adopted(old).maker, len(adopted(old).versions))


def test_rule_5_tables_are_counted_from_the_start(old, tmp_path):
    """A finished cell says nothing about the others."""
    cell = row("syn5", 4, 2, version=1, row_id=1, col_id=101, from_location=1, from_handle="21", to_handle="92", size=9)
    write_old_index(old, cell, include_table_files=1)
    new = tmp_path / "new.duckdb"
    import_old_index(old, new)

    with open_index(new, None, create=False) as index:
        index.add_roots([header(5, EntityKind.TABLE)])

        assert ["syn5"] == [found.entity_id for found in index.pending_tables(after=0, limit=9)]


def test_rule_6_files_without_rows_are_found(old, tmp_path):
    """The walk lists everything anew, so what the old index left out is read."""
    write_old_index(old, row("syn1", 1, 1), file("syn2", 2, new="90"))

    assert ["syn3"] == read_again(old, tmp_path / "new.duckdb", header(2), header(3))


@pytest.mark.parametrize("destination", ["99", 99])
@pytest.mark.parametrize(("sources", "expected"), [(None, ()), ([], ()), (["1", 7], (1, 7)), (["99", 1], (1,))])
def test_rule_7_settings_come_in_one_form(old, destination, sources, expected):
    write_old_index(old, dest_storage_location_id=destination, source_storage_location_ids=sources)

    wanted = MigrationSettings(
        roots=(EntityId("syn1"),),
        destination=StorageLocationId(99),
        source_location_ids=tuple(StorageLocationId(one) for one in expected),
        strategy=FileVersionStrategy.LATEST,
    )
    assert wanted == adopted(old).settings


def test_rule_7_two_rows_of_settings_are_refused(old):
    write_old_index(old, settings=(json.dumps(SETTINGS),) * 2)

    with pytest.raises(IndexUnusable, match="2 rows of settings"):
        adopted(old)


def test_rule_8_repeated_rows_count_once(old):
    """Nulls make the old key useless. The row that says most wins, wherever it stands."""
    write_old_index(old, file("syn2", 2, new="90"), file("syn2", 1), file("syn3", 1), file("syn3", 1))

    counts = adopted(old).counts

    assert (4, 2, 1, 1) == (counts.rows, counts.repeated, counts.migrated, counts.waiting)


def test_rule_9_the_old_file_stays_as_it_is(old, tmp_path):
    """Also when a killed client left a transaction to be rolled back, which even a reader would do in place."""
    write_old_index(old, file("syn2", 1))
    crash_within_a_transaction(old)
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()}
    assert {"old.db", "old.db-journal"} == files.keys()

    imported = import_old_index(old, tmp_path / "new.duckdb")

    assert 1 == imported.adoption.counts.rows
    assert files["old.db"] == imported.sha256
    assert files == {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in files}
    assert files.keys() == {path.name for path in tmp_path.iterdir() if not path.name.startswith("new.")}


def crash_within_a_transaction(old: Path) -> None:
    """Leave what a kill leaves: changed pages in the file, the old ones in the journal."""
    pages, journal = old.with_name("pages"), old.with_name("journal")
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("pragma cache_size = 1")
        connection.execute("pragma cache_spill = 1")
        connection.executemany(
            "insert into migrations (id, type, status, exception) values (?, 3, 1, ?)",
            [(f"syn{number}", "x" * 3000) for number in range(1000)],
        )
        pages.write_bytes(old.read_bytes())
        journal.write_bytes(old.with_name("old.db-journal").read_bytes())
    pages.replace(old)
    journal.replace(old.with_name("old.db-journal"))


@pytest.mark.parametrize("listed", [1, 2])
def test_a_finished_version_is_not_read_unless_a_newer_one_is_listed(old, tmp_path, listed):
    write_old_index(old, file("syn2", 2, new="90"), file("syn3", 3, source="91"))

    again = read_again(old, tmp_path / "new.duckdb", header(2, version=listed), header(3, version=listed))

    assert ([] if listed == 1 else ["syn2", "syn3"]) == again
    if listed == 1:
        assert [("syn2", 1, "90", "ALREADY_MIGRATED"), ("syn3", 1, "91", "ALREADY_MIGRATED")] == items(tmp_path)


def test_under_all_every_version_must_be_finished(old, tmp_path):
    """One version without a row, and the whole file is read."""
    rows = [file("syn2", 2, version=number, source=f"1{number}", new=f"9{number}") for number in (1, 2, 3)]
    write_old_index(old, *rows, file("syn3", 2, version=2, new="90"), file_version_strategy="all")

    assert ["syn3"] == read_again(old, tmp_path / "new.duckdb", header(2, version=3), header(3, version=2))


def test_under_new_every_file_is_read(old, tmp_path):
    """The rows do not say which version was added, so they do not show that it still is the newest."""
    write_old_index(old, file("syn2", 2, version=None, new="90"), file_version_strategy="new")

    assert ["syn2"] == read_again(old, tmp_path / "new.duckdb", header(2))


def test_a_copy_that_was_made_is_proven_and_not_made_again(old, tmp_path):
    """Another file with the same handle waits; a copy of another size is none of its handle's."""
    write_old_index(old, file("syn2", 2, new="90"), file("syn4", 2, source="14", new="91"))
    new = tmp_path / "new.duckdb"
    import_old_index(old, new)

    with open_index(new, None, create=False) as index:
        index.add_roots([header(3), header(5)])
        found = {one.entity_id: one for one in index.pending_files(after=0, limit=9)}
        index.record_descriptions(
            [
                described(found[EntityId("syn3")].seq, 3, 13, size_bytes=10),
                described(found[EntityId("syn5")].seq, 5, 14, size_bytes=11),
            ]
        )
        index.finish_indexing()
        index.finish_indexing()

        ((work,), (request,)) = index.pending_proofs(after=0, limit=9), index.pending_copies(after=0, limit=9)

    assert ("13", "90", ()) == (work.source.id, work.copied.new, work.copied.evidence.part_etags)
    assert "14" == request.source.id


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.write_bytes(b"nothing of the kind"), "not an SQLite file"),
        (lambda path: path.write_bytes(b""), "not an SQLite file"),
        (lambda path: path.write_bytes(b"SQLite format 3\x00" + b"x" * 4000), "no index of synapseclient"),
        (lambda path: sqlite(path, "create table other (x)"), "has no table migration_settings and no table migrat"),
        (lambda path: write_old_index(path, settings=()), "0 rows of settings"),
        (lambda path: write_old_index(path, settings=("[]",)), "no JSON object"),
        (lambda path: write_old_index(path, settings=("{",)), "no JSON object"),
        (lambda path: write_old_index(path, settings=("{}",)), "lack 'source_storage_location_ids'"),
        (lambda path: write_old_index(path, file_version_strategy="some"), "'some'"),
        (lambda path: write_old_index(path, dest_storage_location_id="x"), "'x'"),
        (lambda path: write_old_index(path, source_storage_location_ids="1"), "source_storage_location_ids"),
        (lambda path: write_old_index(path, file("syn2", 7)), "its row 1 makes no sense"),
        (lambda path: write_old_index(path, file("other", 1)), "its row 1 makes no sense"),
        (lambda path: write_old_index(path, file("syn2", 1, source="abc")), "its row 1 makes no sense"),
    ],
)
def test_what_is_no_old_index_is_refused_in_one_sentence(old, tmp_path, make, why):
    make(old)

    with pytest.raises(IndexUnusable, match=why) as refusal:
        import_old_index(old, tmp_path / "new.duckdb")

    assert ".." not in str(refusal.value)
    assert 1 == str(refusal.value).count("is no index of synapseclient")
    assert not (tmp_path / "new.duckdb").exists()


def sqlite(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)


def test_a_missing_file_and_a_taken_target_are_refused(old, tmp_path):
    with pytest.raises(UsageError, match="There is no file"):
        import_old_index(old, tmp_path / "new.duckdb")
    write_old_index(old)
    (tmp_path / "new.duckdb").write_bytes(b"something")

    with pytest.raises(IndexUnusable, match="is there already"):
        import_old_index(old, tmp_path / "new.duckdb")

    assert b"something" == (tmp_path / "new.duckdb").read_bytes()


def test_the_journal_tells_what_was_adopted_and_from_which_file(old, tmp_path):
    write_old_index(old, row("syn3", 3, 4, exception="Traceback with https://secret"), file("syn2", 2, new="90"))
    imported = import_old_index(old, tmp_path / "new.duckdb")

    with open_for_reading(tmp_path / "new.duckdb") as reader:
        told = [str(detail) for (detail,) in reader.rows("select detail from events_v1 where event = 'adopted'")]

    assert 1 == len(told)
    assert imported.sha256 in told[0]
    assert "1 migrated" in told[0]
    assert b"secret" not in (tmp_path / "new.duckdb").read_bytes()


def read_again(old: Path, new: Path, *children: object) -> list[str]:
    """Import, list a project with these children; which of them are to be read?"""
    import_old_index(old, new)
    with open_index(new, None, create=False) as index:
        index.add_roots([header(1, EntityKind.PROJECT)])
        (root,) = index.pending_containers(after=0, limit=9)
        index.record_listings([Listed(seq=root.seq, container_id=root.entity_id, children=children)])
        return [found.entity_id for found in index.pending_files(after=0, limit=9)]


def items(folder: Path) -> list[tuple[object, ...]]:
    with open_for_reading(folder / "new.duckdb") as reader:
        return reader.rows("select entity_id, version, from_file_handle_id, status from items_v1 order by entity_id")


def described(seq: int, entity: int, of: int, *, size_bytes: int) -> Described:
    entity_id = EntityId(f"syn{entity}")
    source = handle(of, size_bytes=size_bytes)
    facts = ItemFacts(
        entity_id=entity_id,
        parent_id=None,
        name="name",
        place=FileVersion(entity_id=entity_id, version=1),
        handle_id=source.id,
        handle=source,
    )
    return Described(seq=seq, entity_id=entity_id, items=(IndexedItem(facts=facts, status=ItemStatus.INDEXED),))
