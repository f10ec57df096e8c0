"""Every phase has its task, and every deployment its flow: found out without a Prefect server."""

import asyncio

import pytest
from prefect.exceptions import ParameterTypeError

from flows.indexing import index_files
from flows.migrating import migrate_files
from flows.reporting import export_audit
from storage_core.model.entities import UserProfile
from storage_core.model.ids import PrincipalId
from storage_core.network import NetworkThread
from storage_core.steps.phases import INDEXING, MIGRATING
from storage_core.steps.rolling_back import phases as returning
from tasks.batches import BatchesAtHand
from tasks.registry import TASKS
from tasks.transferring import TRANSFER_TASKS

SOMEBODY = UserProfile(id=PrincipalId("1"), user_name="somebody")


def test_every_phase_has_a_task_of_its_name():
    there_and_back = [*INDEXING, *MIGRATING, returning(SOMEBODY)]

    assert {phase.name for line in there_and_back for phase in line} == set(TASKS)


def test_no_task_retries_caches_or_stores_results():
    """A retried batch would repeat finished work; only the index knows what is still to do."""
    for task in (*TASKS.values(), *TRANSFER_TASKS.values()):
        assert (0, False) == (task.retries, task.persist_result)


def test_a_batch_is_run_once_and_only_where_it_was_put():
    ran = []

    class Network:
        def run(self, work):
            work.close()
            ran.append("run")

    async def batch():
        """Never awaited here: the network is what is looked at."""

    at_hand = BatchesAtHand()
    at_hand.open(Network())
    at_hand.put("copy-files-1", batch)
    at_hand.run("copy-files-1")
    assert ["run"] == ran
    with pytest.raises(LookupError, match="thread pool"):
        at_hand.run("copy-files-1")


def test_a_batch_that_its_run_gives_up_is_cancelled_and_has_not_failed():
    """What was moved of it is moved; a traceback of a closed connection would tell nobody what to do."""
    with NetworkThread() as network:
        at_hand = BatchesAtHand()
        at_hand.open(network)

        async def batch():
            asyncio.current_task().cancel()
            await asyncio.sleep(60)

        at_hand.put("download-files-1", batch)
        ended = at_hand.run("download-files-1")

    assert ended.is_cancelled()
    assert "goes on from there" in ended.message


GOOD = {"root_ids": ["syn1"], "destination_storage_location_id": 7, "index_path": "m.duckdb"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"root_ids": []},
        {"destination_storage_location_id": 0},
        {"destination_storage_location_id": "bucket"},
        {"index_path": ""},
        {"file_version_strategy": "newest"},
    ],
)
@pytest.mark.parametrize("flow", [index_files, migrate_files])
def test_wrong_parameters_are_refused_before_the_run_starts(flow, wrong):
    with pytest.raises(ParameterTypeError, match=next(iter(wrong))):
        flow.validate_parameters(GOOD | wrong)


@pytest.mark.parametrize("flow", [index_files, migrate_files])
def test_good_parameters_are_accepted_and_made_into_types(flow):
    checked = flow.validate_parameters(GOOD | {"file_version_strategy": "all", "destination_storage_location_id": "7"})
    assert ("all", 7) == (checked["file_version_strategy"], checked["destination_storage_location_id"])


@pytest.mark.parametrize("flow", [index_files, migrate_files, export_audit])
def test_every_field_of_a_form_is_described(flow):
    fields = flow.parameters.model_dump()["properties"]
    assert [] == [name for name, field in fields.items() if not field.get("description")]
