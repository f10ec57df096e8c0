"""Numbered schema steps. A step, once released, is never edited: a new one is added below it.

Numbers in place of texts: ``entity`` columns hold the digits of ``syn123``, handles their digits. The public
views (views.py) turn them back. No table has a key or a second index: the one writer numbers rows itself and
looks before it inserts, because index structures on updated columns make a file grow and have lost rows
(decision 0005).
"""

from dataclasses import dataclass

import duckdb

from storage_core.errors import IndexUnusable


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStep:
    """One change of the tables; all its statements and its record are one transaction."""

    number: int
    name: str
    statements: tuple[str, ...]


_FOUND = """
create table found (
    seq bigint not null, entity bigint not null, parent bigint, name varchar not null, kind varchar not null,
    version integer not null, state varchar not null
)"""

_ITEM = """
create table item (
    item_id bigint not null, entity bigint not null, kind varchar not null, place varchar not null,
    version integer, row_id bigint, col_id bigint, col_name varchar, parent bigint, name varchar not null,
    from_location bigint, from_handle bigint, file_size bigint, md5 varchar,
    status varchar not null, step varchar not null, reason varchar, detail varchar,
    to_handle bigint, new_version integer, updated_at timestamp not null
)"""

_ITEM_FACTS = """
create table item_facts (
    item_id bigint not null, etag varchar, body varchar, activity_id varchar,
    handle_kind varchar, concrete_type varchar, file_name varchar, content_type varchar,
    bucket varchar, object_key varchar, created_by varchar, handle_status varchar
)"""

_COPY = """
create table copy (
    copy_id bigint not null, from_handle bigint not null, from_location bigint not null, file_size bigint,
    md5 varchar, status varchar not null, to_handle bigint, engine varchar, proof varchar, parts integer,
    attempts integer not null, discard_previous boolean not null, reason varchar, detail varchar,
    updated_at timestamp not null
)"""

_COPY_SOURCE = """
create table copy_source (
    copy_id bigint not null, entity bigint not null, entity_kind varchar not null,
    handle_kind varchar not null, concrete_type varchar not null, file_name varchar, content_type varchar,
    bucket varchar, object_key varchar, created_by varchar, handle_status varchar not null
)"""

_COPY_EVIDENCE = """
create table copy_evidence (
    copy_id bigint not null, part_count integer not null, part_size_bytes bigint not null,
    part_etags varchar not null, source_etag varchar, hashed_md5 varchar
)"""

_JOURNAL = """
create table journal (
    seq bigint not null, recorded_at timestamp not null, event varchar not null, subject varchar,
    subject_id bigint, detail varchar not null
)"""

_TABLE_SNAPSHOT = """
create table table_snapshot (entity bigint not null, version integer not null, taken_at timestamp not null)"""

# The table versions that a migration makes are found again by this word in their comment, also after a kill.
_MIGRATION_ID = "insert into fact values ('migration_id', cast(uuid() as varchar))"

_ADOPTED_VERSION = """
create table adopted_version (
    entity bigint not null, version integer not null, handle bigint not null, source bigint, file_size bigint
)"""

_ADOPTED_COPY = """
create table adopted_copy (
    from_handle bigint not null, to_handle bigint not null, file_size bigint not null, part_size_bytes bigint not null
)"""

# Before this step there was one engine. Where copying had begun, nobody knows which copies that one has begun, and
# another engine would make them a second time.
_BEGUN_BY_SYNAPSE = """
update copy set engine = 'synapse', begun = true
where status = 'PENDING' and exists (select 1 from copy where status <> 'PENDING')"""

# Containers (found.state COUNTED) whose files were counted and not listed.
_COUNTED = "create table counted (entity bigint not null, files bigint not null)"

# What a place refers to after a roll-back: the copy's source, or a record of the user's own of the same object.
_RETURN_HANDLE = "create table return_handle (copy_id bigint not null, handle bigint not null)"

# What the latest deep verification has looked at: items (what = place) and copies (what = bytes).
_CHECKED = """
create table checked (
    what varchar not null, number bigint not null, result varchar not null, reason varchar, detail varchar,
    checked_at timestamp not null
)"""

# Containers whose access lists were, or were about to be, changed; lists as JSON: [[principal, [rights]], ...].
_PROTECTION = """
create table protection (
    entity bigint not null, inherits boolean not null, before_list varchar not null, during_list varchar not null,
    begun_at timestamp not null
)"""

# Items that go through everything before the others are touched.
_CANARY = "create table canary (item_id bigint not null, copy_id bigint not null)"

STEPS: tuple[SchemaStep, ...] = (
    SchemaStep(
        number=1,
        name="first tables",
        statements=(
            "create table setting (name varchar not null, value varchar not null)",
            "create table fact (key varchar not null, value varchar not null)",
            "create table marker (name varchar not null, value varchar not null)",
            "create table etag_meaning (location bigint not null, meaning varchar not null)",
            "create table reason_class (reason varchar not null, class varchar not null)",
            _FOUND,
            _ITEM,
            _ITEM_FACTS,
            _COPY,
            _COPY_SOURCE,
            _COPY_EVIDENCE,
            _JOURNAL,
        ),
    ),
    SchemaStep(number=2, name="table snapshots", statements=(_TABLE_SNAPSHOT, _MIGRATION_ID)),
    SchemaStep(number=3, name="adopted from synapseclient", statements=(_ADOPTED_VERSION, _ADOPTED_COPY)),
    SchemaStep(
        number=4,
        name="engines chosen per copy",
        statements=(
            "alter table copy add column part_size_bytes bigint",
            "alter table copy add column begun boolean",
            _BEGUN_BY_SYNAPSE,
            "alter table copy_evidence add column source_checksum varchar",
            "alter table copy_evidence add column new_checksum varchar",
            "alter table copy_evidence add column may_be_twice boolean",
        ),
    ),
    SchemaStep(
        number=5, name="a chain through the journal", statements=("alter table journal add column hash varchar",)
    ),
    SchemaStep(number=6, name="files counted for a view", statements=(_COUNTED,)),
    SchemaStep(number=7, name="handles that places return to", statements=(_RETURN_HANDLE,)),
    SchemaStep(number=8, name="what a deep verification has looked at", statements=(_CHECKED,)),
    SchemaStep(number=9, name="containers that are protected", statements=(_PROTECTION,)),
    SchemaStep(
        number=10,
        name="addresses of bytes outside S3",
        statements=(
            "alter table item_facts add column address varchar",
            "alter table copy_source add column address varchar",
        ),
    ),
    SchemaStep(number=11, name="items that go first", statements=(_CANARY,)),
)

NEWEST = STEPS[-1].number

_STEP_TABLE = "create table schema_step (number integer not null, name varchar not null, applied_at timestamp not null)"


def version_of(connection: duckdb.DuckDBPyConnection) -> int | None:
    """The number of the last step applied; 0 for an empty file, None for a DuckDB file that is not ours."""
    names = {str(name) for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
    if not names:
        return 0
    if "schema_step" not in names:
        return None
    found = connection.execute("select max(number) from schema_step").fetchone()
    return None if found is None or found[0] is None else int(found[0])


def bring_up_to_date(connection: duckdb.DuckDBPyConnection, version: int, steps: tuple[SchemaStep, ...]) -> None:
    """Apply the steps above *version*, each in a transaction of its own. The caller sees to the file's mode."""
    for step in steps:
        if step.number > version:
            _apply(connection, step)


def refuse_newer(version: int, where: str, *, newest: int = NEWEST) -> None:
    """Raise when a newer release wrote the file: guessing at unknown tables would damage it.

    Raises:
        IndexUnusable: *version* is above *newest*, the last that this release knows.
    """
    if version > newest:
        raise IndexUnusable(
            f"{where} has index format {version}; this version of synapse-storage knows formats up to {newest}.",
            fix="Use the version of synapse-storage that wrote it, or a newer one.",
        )


def _apply(connection: duckdb.DuckDBPyConnection, step: SchemaStep) -> None:
    connection.execute("begin")
    try:
        if step.number == 1:
            connection.execute(_STEP_TABLE)
        for statement in step.statements:
            connection.execute(statement)
        connection.execute(
            "insert into schema_step values (?, ?, cast(now() at time zone 'UTC' as timestamp))",
            [step.number, step.name],
        )
        connection.execute("commit")
    except BaseException:  # nothing is swallowed: it is cleaned up and raised again
        connection.execute("rollback")
        raise
