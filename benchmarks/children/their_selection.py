"""The client's own operations on a file of the client's own schema. Runs in the judge's environment."""

import json
import sqlite3
import sys
import time
import warnings
from pathlib import Path

from synapseclient.models.services import migration  # type: ignore[import-not-found] # not in our environment
from synapseclient.models.services.migration_types import (  # type: ignore[import-not-found]
    MigrationKey,
    MigrationResult,
    MigrationType,
)

WISHES = json.loads(sys.argv[1])
FIRST = 10_000_001  # ids are compared as texts, so all have the same length, the one before included
CONTAINER = 10_000
RECORDED = 200
IN_FLIGHT = 6  # rows that are being migrated while it asks

warnings.simplefilter("ignore")
rows = WISHES["rows"]
connection = sqlite3.connect(WISHES["path"])
cursor = connection.cursor()
migration._ensure_schema(cursor)  # noqa: SLF001 - it has no public door to these two
began = time.perf_counter()
for number in range(FIRST, FIRST + rows):  # as it indexes: one call for each file, a commit for each container
    values = (f"syn{number}", MigrationType.FILE.value, 1, "syn1", 1, str(number + 50_000_000), 100, 1)
    migration._insert_file_migration(cursor, [values])  # noqa: SLF001
    if number % CONTAINER == 0:
        connection.commit()
connection.commit()
filling = time.perf_counter() - began
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
recording = []
for _ in range(WISHES["runs"]):
    began = time.perf_counter()
    for number in range(FIRST, FIRST + RECORDED):  # one at a time, as they finish
        key = MigrationKey(id=f"syn{number}", type=MigrationType.FILE, version=1, row_id=None, col_id=None)
        migration._update_migration_database(connection, cursor, key, str(number + 90_000_000), 2)  # noqa: SLF001
        connection.commit()
    recording.append((time.perf_counter() - began) / RECORDED)
connection.close()
result = MigrationResult(db_path=WISHES["path"])
counting, writing = [], []
for _ in range(WISHES["runs"]):
    began = time.perf_counter()
    result.get_counts_by_status()
    counting.append(time.perf_counter() - began)
    began = time.perf_counter()
    result.as_csv(f"{WISHES['path']}.csv")
    writing.append(time.perf_counter() - began)
print(
    json.dumps(
        {
            "seconds": seconds,
            "bytes": Path(WISHES["path"]).stat().st_size,
            "fill": filling,
            "record": recording,
            "count": counting,
            "csv": writing,
        }
    )
)
