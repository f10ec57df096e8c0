"""An index divided into shards, each an index of its own, and taken together again.

A shard is a copy of the whole index with only some of its items and copies, under their own numbers. Whatever drives an
index drives a shard. Taking it back replaces those items and copies by what became of them, so the whole index, and
every report about it, says in the end what one run would have left.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

from storage_core.errors import IndexUnusable, UsageError
from storage_core.index.database import Database, private_files
from storage_core.index.opening import open_index, resolved
from storage_core.index.rows import numbers
from storage_core.index.snapshot import snapshot_path
from storage_core.index.store import Index
from storage_core.plan.sharding import Use, divide

_USES = """
select entity, from_handle, count(*) - count(row_id), count(row_id),
    max(case when copy.status = 'PENDING' then coalesce(copy.file_size, 1) end)
from item left join copy using (from_handle)
where item.status = 'INDEXED'
group by entity, from_handle"""
_BY_ITEM = ("item", "item_facts")
_BY_COPY = ("copy", "copy_source", "copy_evidence")
_ENTRIES_AT_ONCE = 10_000


def shard_paths(path: Path, shards: int) -> list[Path]:
    """Where the shards of an index lie: ``x.duckdb`` has ``x.shard-1-of-4.duckdb`` and so on."""
    return [path.with_name(f"{path.stem}.shard-{number}-of-{shards}.duckdb") for number in range(1, shards + 1)]


def has_shards(path: Path) -> bool:
    """Whether shards of this index lie beside it, however many it was divided into: somebody works on them, or did."""
    where = resolved(path)
    return any(where.parent.glob(f"{escape(where.stem)}.shard-*-of-*.duckdb"))


def split(path: Path, shards: int) -> list[Path]:
    """Divide what the index at *path* has still to do; the paths of the shards that have something to do.

    A shard that is there already is left as it is: somebody works on it, or did, and its progress must not be lost.

    Raises:
        UsageError: *shards* is below 1.
        IndexUnusable, IndexInUse: see `opening.open_index`.
    """
    if shards < 1:
        raise UsageError(f"{shards} shards cannot share a migration.", fix="Give a number from 1.")
    where = resolved(path)
    with open_index(where, None, create=False) as index:
        uses = [
            Use(entity=entity, handle=handle, versions=versions, cells=cells, copy_bytes=size)
            for entity, handle, versions, cells, size in index.database.rows(_USES)
        ]
    assigned = divide(uses, shards)
    made = []
    for number, shard in enumerate(shard_paths(where, shards)):
        entities = sorted(entity for entity, its_shard in assigned.items() if its_shard == number)
        if entities and not shard.exists():
            _make(where, shard, entities)
        if shard.exists():
            made.append(shard)
    return made


def absorb(path: Path, shard: Path) -> int:
    """Take what became of a shard's items and copies back into the whole index; how many items. Repeating is harmless.

    The shard's file stays; its events are appended to the whole index's log, once.

    Raises:
        IndexUnusable: *shard* belongs to another index; see also `opening.open_index`.
        IndexInUse: somebody works on one of the two.
    """
    with open_index(shard, None, create=False) as part:
        _check_kin(path, part)
    with open_index(path, None, create=False) as index, _attached(index.database, shard):
        database = index.database
        with database.transaction():
            for table, key in [*((one, "item_id") for one in _BY_ITEM), *((one, "copy_id") for one in _BY_COPY)]:
                owner = "item" if key == "item_id" else "copy"
                database.rows(f"delete from {table} where {key} in (select {key} from shard.{owner})")  # noqa: S608
                database.rows(f"insert into {table} by name from shard.{table}")
            database.rows("insert into table_snapshot by name from shard.table_snapshot anti join table_snapshot "
                          "using (entity, version)")  # fmt: skip
            database.rows("insert into etag_meaning by name from shard.etag_meaning anti join etag_meaning "
                          "using (location)")  # fmt: skip
            _append_events(database, shard.name)
            ((items,),) = database.rows("select count(*) from shard.item")
        return int(items)


def remove(shard: Path) -> None:
    """Delete a shard that was taken back, with everything that lies beside it."""
    for path in (shard, snapshot_path(shard), shard.with_name(f"{shard.name}.wal")):
        path.unlink(missing_ok=True)


def _make(whole: Path, shard: Path, entities: list[int]) -> None:
    """Write beside, then rename: a shard is there whole or not at all."""
    draft = shard.with_name(f".{shard.name}.draft")
    with private_files():
        shutil.copyfile(whole, draft)
    with open_index(draft, None, create=False) as index:
        database = index.database
        with database.transaction():
            database.rows("delete from item where status <> 'INDEXED' or entity not in (from wanted)",
                          wanted=numbers(entities))  # fmt: skip
            database.rows("delete from item_facts where item_id not in (select item_id from item)")
            database.rows("delete from copy where from_handle not in (select from_handle from item "
                          "where from_handle is not null)")  # fmt: skip
            for table in _BY_COPY[1:]:
                database.rows(f"delete from {table} where copy_id not in (select copy_id from copy)")  # noqa: S608
            database.rows("delete from marker where name = 'confirmed_plan'")
            ((last,),) = database.rows("select coalesce(max(seq), 0) from journal")
            database.rows("delete from fact where key in ('shard_from', 'shard_taken')")
            database.rows("insert into fact values ('shard_from', ?)", [str(last)])
        index.note("shard made", f"{len(entities)} entities of {whole.name}")
    snapshot_path(draft).unlink(missing_ok=True)
    draft.replace(shard)


def _check_kin(path: Path, part: Index) -> None:
    """A shard and its whole share the migration's id."""
    with open_index(path, part.settings, create=False) as whole:
        if whole.recall("migration_id") != part.recall("migration_id") or part.recall("shard_from") is None:
            raise IndexUnusable(
                f"{part.database.path} is no shard of {path}.", fix="Name the index that the shard was made from."
            )


def _append_events(database: Database, name: str) -> None:
    """Events that came to be in the shard, after those that came from it earlier."""
    taken = database.rows("select value from fact where key = ?", [f"events taken from {name}"])
    after = int(taken[0][0]) if taken else None
    if after is None:
        ((first,),) = database.rows("select value from shard.fact where key = 'shard_from'")
        after = int(first)
    sql = "select seq, event, subject, subject_id, detail from shard.journal where seq > ? order by seq limit ?"
    while rows := database.rows(sql, [after, _ENTRIES_AT_ONCE]):
        database.journal([tuple(row[1:]) for row in rows])
        after = rows[-1][0]
    database.rows("delete from fact where key = ?", [f"events taken from {name}"])
    database.rows("insert into fact values (?, ?)", [f"events taken from {name}", str(after)])


@contextmanager
def _attached(database: Database, shard: Path) -> Iterator[None]:
    quoted = str(resolved(shard)).replace("'", "''")
    database.rows(f"attach '{quoted}' as shard (read_only)")
    try:
        yield
    finally:
        database.rows("detach shard")
