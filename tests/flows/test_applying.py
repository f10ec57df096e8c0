"""deployments/apply.py on a server where people have set things: what it declares is put right, the rest is theirs."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate, GlobalConcurrencyLimitUpdate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.credentials import keep
from flows.watching import watch_project
from storage_core.errors import UsageError
from tests.servers.processes import free_port

ROOT = Path(__file__).parents[2]
NAME = "watch-project/nightly"
OURS = {"root_ids": ["syn123"], "destination_storage_location_id": 54321}
"""What a steward has written into the deployment, because the folder cannot know it."""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("apply", ROOT / "deployments" / "apply.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def declared() -> dict[str, Any]:
    entries = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    found: dict[str, Any] = next(one for one in entries if one["name"] == "nightly")
    return found


@pytest.fixture
def client(prefect_server: None) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as opened:
        yield opened


@pytest.fixture
def there(client: SyncPrefectClient, script: ModuleType, declared: dict[str, Any]) -> DeploymentResponse:
    """The deployment as this folder says, with a steward's parameters and an active schedule of their own."""
    applier = script.Applier(client, only_check=False)
    list(applier._work_pools())
    flow_id = client.create_flow_from_name(watch_project.name)
    client.create_deployment(
        flow_id, "nightly",
        parameters=OURS,
        schedules=[
            DeploymentScheduleCreate(
                schedule=CronSchedule(cron="30 2 * * *", timezone="Europe/Berlin"), active=True, slug="nightly"
            )
        ],
        concurrency_limit=1,
    )  # fmt: skip
    applier.correct(client.read_deployment_by_name(NAME), declared, watch_project)
    found = client.read_deployment_by_name(NAME)
    assert [] == script.differences(found, declared, watch_project)
    return found


CHANGES: dict[str, dict[str, Any]] = {
    "parameters": {"parameters": OURS | {"confirm": "ask", "index_path": "/elsewhere.duckdb"}},
    "description": {"description": "What somebody wrote."},
    "tags": {"tags": ["mine"]},
    "job_variables": {"job_variables": {"env": {}}},
    "entrypoint": {"entrypoint": "flows.migrating.migrate_files"},
    "concurrency_limit": {"concurrency_limit": 5},
    "concurrency_options": {"concurrency_options": {"collision_strategy": "ENQUEUE"}},
    "enforce_parameter_schema": {"enforce_parameter_schema": False},
    "form": {"parameter_openapi_schema": {"type": "object", "properties": {}}},
    "parameters that its flow no longer has": {"parameters": OURS | {"of_an_older_release": 1}},
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_somebody_changed_is_told_and_put_right(
    what: str, client: SyncPrefectClient, script: ModuleType, there: DeploymentResponse, declared: dict[str, Any]
) -> None:
    """One change each, of everything that the folder says about a deployment; a steward's own settings outlive it."""
    client.update_deployment(there.id, DeploymentUpdate(**CHANGES[what]))
    changed = client.read_deployment_by_name(NAME)

    assert what in script.differences(changed, declared, watch_project)

    script.Applier(client, only_check=False).correct(changed, declared, watch_project)
    after = client.read_deployment_by_name(NAME)
    assert [] == script.differences(after, declared, watch_project)
    assert declared["parameters"] | OURS == after.parameters
    (schedule,) = after.schedules
    assert (True, "30 2 * * *", "Europe/Berlin") == (
        schedule.active, schedule.schedule.cron, schedule.schedule.timezone,
    )  # fmt: skip


def test_an_automation_on_the_server_is_the_one_in_its_file_in_whatever_order_its_events_come(
    client: SyncPrefectClient, script: ModuleType
) -> None:
    """Prefect keeps them as sets, whose order is another one in every process."""
    applier = script.Applier(client, only_check=False)
    assert list(applier._automations())
    (there,) = (one for one in client.read_automations() if one.name == "synapse-storage: a run never began")
    turned = there.model_dump(mode="json")
    turned["trigger"]["after"].sort(reverse=True)

    assert script._essence(there) == script._essence(_AsSent(turned))
    assert [] == [one.what for one in applier._automations() if one.blocked_by is None]


class _AsSent:
    """An automation that is dumped as it is."""

    def __init__(self, dumped: dict[str, Any]) -> None:
        self._dumped = dumped

    def model_dump(self, *, mode: str, include: set[str]) -> dict[str, Any]:
        return {name: part for name, part in self._dumped.items() if name in include}


def test_a_pause_is_left_as_it_is(
    client: SyncPrefectClient, script: ModuleType, there: DeploymentResponse, declared: dict[str, Any]
) -> None:
    client.update_deployment(there.id, DeploymentUpdate(paused=True, description="other"))

    changed = client.read_deployment_by_name(NAME)
    script.Applier(client, only_check=False).correct(changed, declared, watch_project)

    assert client.read_deployment_by_name(NAME).paused
    client.update_deployment(there.id, DeploymentUpdate(paused=False))


def test_a_limit_that_was_switched_off_is_on_again(
    client: SyncPrefectClient, script: ModuleType, there: DeploymentResponse, declared: dict[str, Any]
) -> None:
    """Then two runs of one deployment would begin at once."""
    limit = there.global_concurrency_limit
    assert limit is not None
    client.update_global_concurrency_limit(limit.name, GlobalConcurrencyLimitUpdate(active=False))
    changed = client.read_deployment_by_name(NAME)
    assert ["concurrency_limit"] == script.differences(changed, declared, watch_project)

    script.Applier(client, only_check=False).correct(changed, declared, watch_project)

    assert [] == script.differences(client.read_deployment_by_name(NAME), declared, watch_project)


def test_without_an_address_nothing_is_set_up_on_a_server_of_its_own(
    prefect_server: None, script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """Prefect would start one in the script, and end it with the script."""
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert 2 == script.main(["--check"])

    assert "PREFECT_API_URL is not set" in capsys.readouterr().err


def test_a_server_that_is_not_there_is_told_in_one_sentence(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with temporary_settings(updates={PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"}):
        assert 8 == script.main(["--check"])

    told = capsys.readouterr()
    assert ("", 1) == (told.out, len(told.err.splitlines()))
    assert "Start the server, or correct PREFECT_API_URL" in told.err


@pytest.mark.parametrize("name", ["", "My_Project", "a b", "a/b", "ä"])
def test_a_name_that_no_block_can_have_is_refused_before_a_secret_is_read(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a block") as refused:
        keep(name)

    assert "small letters" in refused.value.fix
