"""Promise 2, for the index: whatever was acknowledged survives a kill, and nothing is there by half."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storage_core.index.opening import open_index
from storage_core.index.store import Index
from tests.unit.index.builders import fresh_index, header, listed_tree, statuses

FILES = 240
BATCH = 20
KILLS = 10

WORKER = """
import sys
from storage_core.index.opening import open_index
from storage_core.model.repoints import Repointed
from storage_core.model.works import Described, Verified
from tests.unit.index.builders import handle, made, proven, version_item

BATCH = int(sys.argv[2])

def told(phase, numbers):
    print(phase, *numbers, flush=True)

with open_index(sys.argv[1], None, create=False) as index:
    index._database.rows("set checkpoint_threshold = '60KB'")
    while found := index.pending_files(after=0, limit=BATCH):
        index.record_descriptions(
            [
                Described(
                    seq=one.seq,
                    entity_id=one.entity_id,
                    items=tuple(
                        version_item(int(one.entity_id[3:]), version, handle(int(one.entity_id[3:]) * 10 + version))
                        for version in (1, 2)
                    ),
                )
                for one in found
            ]
        )
        told("described", [one.seq for one in found])
    index.finish_indexing()
    told("indexed", [1])
    while requests := index.pending_copies(after=0, limit=BATCH):
        index.record_copies([made(request, 10**6 + request.copy_id) for request in requests])
        told("copied", [request.copy_id for request in requests])
        index.publish(force=requests[0].copy_id % 3 == 0)
    while works := index.pending_proofs(after=0, limit=BATCH):
        index.record_proofs([proven(work.copied) for work in works])
        told("proven", [work.copied.copy_id for work in works])
    while works := index.pending_repoints(after=0, limit=BATCH):
        items = [change.item_id for work in works for change in work.changes]
        index.record_repoints([Repointed(item_id=item) for item in items])
        told("repointed", items)
    while works := index.pending_verifications(after=0, limit=BATCH):
        index.record_verifications([Verified(item_id=work.item_id) for work in works])
        told("verified", [work.item_id for work in works])
    told("finished", [1])
"""

ON_RECORD = {
    "described": "select seq from found where state = 'DONE' and kind = 'file'",
    "indexed": "select 1 from marker where name = 'indexed'",
    "copied": "select copy_id from copy where to_handle is not null",
    "proven": "select copy_id from copy where status = 'PROVEN'",
    "repointed": "select item_id from item where to_handle is not null",
    "verified": "select item_id from item where status = 'MIGRATED'",
}


def _run_until_killed(path: Path, lines: int | None, wait_seconds: float = 0.0) -> tuple[dict[str, set[int]], bool]:
    """Run the worker; kill it some time after so many acknowledgements. What it acknowledged, and if it finished."""
    acknowledged: dict[str, set[int]] = {}
    command = [sys.executable, "-c", WORKER, str(path), str(BATCH)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        for count, line in enumerate(worker.stdout, start=1):
            phase, *numbers = line.split()
            acknowledged.setdefault(phase, set()).update(int(number) for number in numbers)
            if count == lines:
                time.sleep(wait_seconds)
                worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert worker.returncode in ({0} if lines is None else {0, -signal.SIGKILL})
    return acknowledged, "finished" in acknowledged


def _on_record(index: Index) -> dict[str, set[int]]:
    return {phase: {number for (number,) in index._database.rows(sql)} for phase, sql in ON_RECORD.items()}


def _check(index: Index, acknowledged: dict[str, set[int]]) -> None:
    on_record = _on_record(index)
    for phase, numbers in acknowledged.items():
        if phase != "finished":
            assert numbers <= on_record[phase], f"{phase}: acknowledged, but not on record"
    for phase in ("described", "copied", "proven", "repointed", "verified"):
        assert 0 == len(on_record[phase]) % BATCH, f"{phase}: half a batch is on record"
    assert [(2 * len(on_record["described"]),)] == index._database.rows("select count(*) from item_facts")
    for event, phase in (("copied", "copied"), ("proven", "proven"), ("repointed", "repointed")):
        told = index._database.rows("select subject_id from journal where event = ? order by 1", [event])
        assert sorted(on_record[phase]) == [number for (number,) in told], f"{phase}: journal and state differ"


@pytest.mark.timeout(240)
def test_every_acknowledged_outcome_survives_a_kill_and_none_is_there_by_half(tmp_path: Path) -> None:
    """Killed at moments spread over the whole run, and resumed each time."""
    chance = random.Random(20)
    path = tmp_path / "project.duckdb"
    with fresh_index(tmp_path) as index:
        listed_tree(index, *(header(number, version=2) for number in range(2, 2 + FILES)))
    everything: dict[str, set[int]] = {}
    for _ in range(KILLS):
        acknowledged, finished = _run_until_killed(path, chance.randint(2, 14), chance.uniform(0.0, 0.04))
        for phase, numbers in acknowledged.items():
            everything.setdefault(phase, set()).update(numbers)
        with open_index(path, None, create=False) as index:
            _check(index, everything)
        if finished:
            break
    _, finished = _run_until_killed(path, None)

    assert finished
    with open_index(path, None, create=False) as index:
        assert {"MIGRATED": 2 * FILES} == statuses(index)
        assert [(2 * FILES, 2 * FILES)] == index._database.rows(
            "select count(*), count(distinct from_file_handle_id) from copies_v1"
        )
        assert 2 * FILES == index._database.rows("select count(distinct (entity_id, version)) from items_v1")[0][0]
        assert [] == index._database.rows(
            "select event from journal group by event, subject_id, subject having event = 'copied' and count(*) > 1"
        )
