"""The public views: documented in docs/index.md, versioned by name, the only thing reports may rely on.

Their columns and types never change. A change people would notice gets a new name (items_v2) beside the old one.
"""

import duckdb

from storage_core.model.items import REASONS

PUBLIC_VIEWS = ("items_v1", "copies_v1", "settings_v1", "events_v1", "event_chain_v1", "errors_v1")

_DESTINATION = "(select cast(value as bigint) from setting where name = 'destination_storage_location_id')"

_ITEMS = f"""
create or replace view items_v1 as select
    i.item_id, i.kind, 'syn' || i.entity as entity_id, case when i.place <> 'new' then i.version end as version,
    i.new_version, i.row_id, i.col_id, i.col_name, 'syn' || i.parent as parent_id, i.name,
    i.from_location as from_storage_location_id, cast(i.from_handle as varchar) as from_file_handle_id,
    cast(i.to_handle as varchar) as to_file_handle_id,
    case when i.to_handle is not null then {_DESTINATION} end as to_storage_location_id,
    i.file_size, i.md5, i.status, i.reason, r.class as reason_class, i.detail, c.proof, c.engine, i.updated_at,
    i.version as indexed_version
from item i
    left join reason_class r on r.reason = i.reason
    left join copy c on c.from_handle = i.from_handle and c.status = 'PROVEN'
        and (i.status = 'INDEXED' or i.to_handle is not null)
"""  # noqa: S608 - a constant

_COPIES = """
create or replace view copies_v1 as select
    copy_id, cast(from_handle as varchar) as from_file_handle_id, from_location as from_storage_location_id,
    cast(to_handle as varchar) as to_file_handle_id, file_size, md5, status, engine, proof, parts, attempts, reason,
    detail, updated_at
from copy
"""

_EVENTS = """
create or replace view events_v1 as select seq, recorded_at, event,
    case when subject is null then detail else subject || ' ' || subject_id || ': ' || detail end as detail
from journal
"""

_CHAIN = "create or replace view event_chain_v1 as select seq, hash from journal"

_STATEMENTS = (
    _ITEMS,
    _COPIES,
    "create or replace view settings_v1 as select name, value from setting",
    _EVENTS,
    _CHAIN,
    "create or replace view errors_v1 as select * from items_v1 where status in ('ERRORED', 'DRIFTED')",
)


def refresh_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring views and reason classes to what this release says. Part of the caller's transaction."""
    for statement in _STATEMENTS:
        connection.execute(statement)
    classes = sorted((code.value, reason.kind.value) for code, reason in REASONS.items())
    if connection.execute("select reason, class from reason_class order by reason").fetchall() != classes:
        connection.execute("delete from reason_class")
        connection.executemany("insert into reason_class values (?, ?)", classes)
