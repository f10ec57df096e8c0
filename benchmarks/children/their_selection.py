"""The client's own query for the next item, on a file of the client's own schema. Runs in the judge's environment."""

import json
import sqlite3
import sys
import time
import warnings
from pathlib import Path

from synapseclient.models.services import migration  # type: ignore[import-not-found] # not in our environment
from synapseclient.models.services.migration_types import (  # type: ignore[import-not-found]
    MigrationKey,
    MigrationType,
)

WISHES = json.loads(sys.argv[1])
FIRST = 10_000_001  # ids are compared as texts, so all have the same length, the one before included
IN_FLIGHT = 6  # rows that are being migrated while it asks

warnings.simplefilter("ignore")
rows = WISHES["rows"]
connection = sqlite3.connect(WISHES["path"])
cursor = connection.cursor()
migration._ensure_schema(cursor)  # noqa: SLF001 - it has no public door to these two
cursor.executemany(
    "insert into migrations (id, type, version, parent_id, status, from_storage_location_id, from_file_handle_id,"
    " file_size) values (?, 3, 1, 'syn1', 1, 1, ?, 100)",
    ((f"syn{number}", str(number + 50_000_000)) for number in range(FIRST, FIRST + rows)),
)
connection.commit()
seconds = []
for _ in range(WISHES["runs"]):
    for done in (0, rows // 2, rows - 100):
        # by then, everything before the last key is migrated
        cursor.execute("update migrations set status = 2 where rowid <= ?", (done,))
        cursor.execute("update migrations set status = 1 where rowid > ?", (done,))
        connection.commit()
        last = FIRST + done
        key = MigrationKey(id=f"syn{last - 1}", type=MigrationType.FILE, version=1, row_id=-1, col_id=-1)
        pending = {str(number + 50_000_000) for number in range(last, last + IN_FLIGHT)}
        began = time.perf_counter()
        found = migration._query_migration_batch(  # noqa: SLF001
            cursor, key, pending, {str(last + 49_999_999)}, 1
        )
        seconds.append(time.perf_counter() - began)
        assert len(found) == 1, found
connection.close()
print(json.dumps({"seconds": seconds, "bytes": Path(WISHES["path"]).stat().st_size}))
