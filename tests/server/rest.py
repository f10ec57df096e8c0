"""Prefect's REST interface, as far as its UI uses it to run, approve and look at a deployment."""

from collections.abc import Mapping
from typing import Any

import httpx

from tests.server.processes import PATIENCE_SECONDS, wait_until

Json = dict[str, Any]
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


class Rest:
    """A server at *url* (ends with ``/api``)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=60)

    def close(self) -> None:
        self._client.close()

    def is_healthy(self) -> bool:
        try:
            return self._client.get("/health").is_success
        except httpx.TransportError:
            return False

    def get(self, path: str) -> Any:
        return self._said(self._client.get(path))

    def post(self, path: str, body: Json) -> Any:
        return self._said(self._client.post(path, json=body))

    def put(self, path: str, body: Json) -> None:
        self._said(self._client.put(path, json=body))

    def delete(self, path: str) -> None:
        self._said(self._client.delete(path))

    def deployments(self) -> list[Json]:
        found: list[Json] = self.post("/deployments/filter", {})
        return found

    def deployment(self, name: str) -> Json:
        """The deployment that is called ``flow/deployment``."""
        found: Json = self.get(f"/deployments/name/{name}")
        return found

    def start(self, name: str, parameters: Json, variables: Mapping[str, str] | None = None) -> str:
        """Press "Run", with more variables for the flow's environment (field "Environment Variables"): the run's id."""
        run = self.start_answered(self.deployment(name)["id"], parameters, variables)
        assert run.is_success, run.text
        return str(run.json()["id"])

    def start_answered(
        self, deployment_id: str, parameters: Json, variables: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """The same, with whatever the server says to it."""
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}, "job_variables": {"env": variables or {}}}
        return self._client.post(f"/deployments/{deployment_id}/create_flow_run", json=body)

    def run(self, run_id: str) -> Json:
        found: Json = self.get(f"/flow_runs/{run_id}")
        return found

    def state(self, run_id: str) -> str:
        """The name of a run's state, such as ``Suspended``."""
        return str(self.run(run_id)["state"]["name"])

    def wait_for(self, run_id: str, *names: str, seconds: float = PATIENCE_SECONDS) -> Json:
        """Wait until the run's state has one of these names; any other end fails."""

        def there() -> Json | None:
            run = self.run(run_id)
            state = run["state"]
            if state["name"] in names:
                return run
            assert state["type"] not in FINAL, f"{state['name']}: {state['message']}\n{self.log(run_id)}"
            return None

        try:
            return wait_until(there, f"run {run_id} to be {' or '.join(names)}", seconds=seconds)
        except AssertionError as late:
            late.add_note(f"it is {self.run(run_id)['state']}\n{self.log(run_id)}")
            raise

    def resume(self, run_id: str, answer: Json) -> Json:
        """Press "Resume" with the form filled in."""
        found: Json = self.post(f"/flow_runs/{run_id}/resume", {"run_input": answer})
        return found

    def cancel(self, run_id: str) -> None:
        """Press "Cancel"."""
        self.post(f"/flow_runs/{run_id}/set_state", {"state": {"type": "CANCELLING"}})

    def suspend(self, run_id: str) -> None:
        """Press "Suspend"."""
        details = {"pause_reschedule": True, "pause_timeout": "2099-01-01T00:00:00Z"}
        state = {"type": "PAUSED", "name": "Suspended", "state_details": details}
        answer = self.post(f"/flow_runs/{run_id}/set_state", {"state": state})
        assert answer["status"] == "ACCEPT", answer

    def artifacts(self, run_id: str) -> dict[str, Json]:
        """What a run published, by key."""
        found = self.post("/artifacts/filter", {"flow_runs": {"id": {"any_": [run_id]}}, "sort": "CREATED_DESC"})
        newest: dict[str, Json] = {}
        for one in found:
            newest.setdefault(one["key"], one)
        return newest

    def plan_hash(self, run_id: str, artifact: str = "migration-plan") -> str:
        """The hash of the plan that a run has published."""
        return str(self.artifacts(run_id)[artifact]["description"]).removeprefix("Plan ")

    def log(self, run_id: str) -> str:
        """All log lines of a run."""
        found = self.post("/logs/filter", {"logs": {"flow_run_id": {"any_": [run_id]}}, "sort": "TIMESTAMP_ASC"})
        return "\n".join(one["message"] for one in found)

    def running_tasks(self, run_id: str) -> set[str]:
        """The names of the tasks that a run shows as running, without their numbers."""
        wanted = {"flow_runs": {"id": {"any_": [run_id]}}, "task_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}
        return {str(one["name"]).rpartition("-")[0] for one in self.post("/task_runs/filter", wanted)}

    def task_states(self, run_id: str) -> set[str]:
        """The types of the states that the run's tasks are in."""
        found = self.post("/task_runs/filter", {"flow_runs": {"id": {"any_": [run_id]}}})
        return {str(one["state_type"]) for one in found}

    def events(self, run_id: str, prefix: str) -> list[Json]:
        """Events that a run emitted and whose names begin with *prefix*, the oldest first."""
        related = {"id": [f"prefect.flow-run.{run_id}"]}
        wanted = {"event": {"prefix": [prefix]}, "related": related}
        found = self.post("/events/filter", {"filter": wanted, "limit": 50})
        return sorted(found["events"], key=lambda event: str(event["occurred"]))

    def wait_for_events(self, run_id: str, prefix: str, count: int) -> list[Json]:
        """The same, once there are so many: they are written a moment after they were emitted."""

        def there() -> list[Json] | None:
            found = self.events(run_id, prefix)
            return found if len(found) >= count else None

        return wait_until(there, f"{count} events {prefix}* of run {run_id}")

    def have_automation_within(self, name: str, seconds: int) -> None:
        """Let an automation wait for another time than its file says; applying the folder puts it back."""
        (found,) = (one for one in self.post("/automations/filter", {}) if one["name"] == name)
        kept = {field: found[field] for field in ("name", "description", "enabled", "trigger", "actions")}
        self.put(f"/automations/{found['id']}", kept | {"trigger": kept["trigger"] | {"within": seconds}})

    @staticmethod
    def _said(answer: httpx.Response) -> Any:
        assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None
