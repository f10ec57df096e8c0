"""Bring a Prefect server to what this folder says: work pools, limits, block types, automations, deployments.

    python deployments/apply.py            makes what is missing and corrects what differs; again and again, if you like
    python deployments/apply.py --check    changes nothing; tells what is missing or differs, exit code 1 if anything

Needs PREFECT_API_URL. What people set in deployments beside what is declared stays as it is: see `differences`.
"""

import argparse
import importlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentUpdate, GlobalConcurrencyLimitUpdate, WorkPoolCreate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound

from flows.credentials import BLOCKS
from flows.reaching import reached_server
from storage_core.errors import SynapseStorageError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

AnyFlow = Flow[..., Any]
Declared = dict[str, Any]
"""An entry of prefect.yaml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that is not as this folder says."""

    what: str
    blocked_by: str | None = None
    """What somebody must do first; the change is left out until then."""


class Applier:
    """Compares a server with this folder, and makes it so unless it only checks."""

    def __init__(self, client: SyncPrefectClient, *, only_check: bool) -> None:
        self._client = client
        self._only_check = only_check

    def changes(self) -> Iterator[Change]:
        """Each thing that was made, or with *only_check* would be."""
        yield from self._work_pools()
        yield from self._block_types()
        yield from self._automations()
        yield from self._deployments()

    def _work_pools(self) -> Iterator[Change]:
        for pool in _yaml(HERE / "work_pools.yaml")["work_pools"]:
            try:
                self._client.read_work_pool(pool["name"])
            except ObjectNotFound:
                if not self._only_check:
                    self._client.create_work_pool(WorkPoolCreate(**pool))
                yield Change(what=f"work pool {pool['name']}")

    def _block_types(self) -> Iterator[Change]:
        for block in BLOCKS:
            slug = block.get_block_type_slug()
            try:
                self._client.read_block_type_by_slug(slug)
            except ObjectNotFound:
                if not self._only_check:
                    block.register_type_and_schema()
                yield Change(what=f"block type {slug}")

    def _automations(self) -> Iterator[Change]:
        present = {one.name: one for one in self._client.read_automations()}
        for path in sorted((HERE / "automations").glob("*.yaml")):
            wanted = _yaml(path)
            if missing := self._fill_in_blocks(wanted):
                yield Change(what=f"automation {wanted['name']}", blocked_by=f"make the block {missing}")
                continue
            there = present.get(wanted["name"])
            # which examples are switched on is for people to say, unless the file says it
            enabled = there.enabled if there is not None else True
            automation = AutomationCore.model_validate({"enabled": enabled, **wanted})
            if there is not None and _essence(there) == _essence(automation):
                continue
            if not self._only_check and there is not None:
                self._client.update_automation(there.id, automation)
            elif not self._only_check:
                self._client.create_automation(automation)
            yield Change(what=f"automation {automation.name}")

    def _fill_in_blocks(self, automation: dict[str, Any]) -> str | None:
        """Put the ids of blocks in place of their names; the first name that no block has."""
        for action in automation["actions"]:
            if name := action.pop("block", None):
                slug, document = str(name).split("/")
                try:
                    found = self._client.read_block_document_by_name(document, slug)
                except ObjectNotFound:
                    return str(name)
                action["block_document_id"] = str(found.id)
        return None

    def _deployments(self) -> Iterator[Change]:
        missing = []
        for declared in _yaml(ROOT / "prefect.yaml")["deployments"]:
            flow = _flow_of(declared)
            try:
                there = self._client.read_deployment_by_name(f"{flow.name}/{declared['name']}")
            except ObjectNotFound:
                missing.append(declared["name"])
                yield Change(what=f"deployment {declared['name']}")
                continue
            if wrong := differences(there, declared, flow):
                yield Change(what=f"deployment {declared['name']}: {', '.join(wrong)}")
                if not self._only_check:
                    self.correct(there, declared, flow)
        if missing and not self._only_check:
            _deploy(missing)

    def correct(self, there: DeploymentResponse, declared: Declared, flow: AnyFlow) -> None:
        """Give a deployment what this folder says; schedules, a pause and further parameters stay as they are."""
        wanted = _wanted(declared)
        kept = {name: value for name, value in there.parameters.items() if name in flow.parameters.properties}
        self._client.update_deployment(
            there.id,
            DeploymentUpdate(
                version=flow.version,
                parameter_openapi_schema=flow.parameters.model_dump(),
                **(wanted | {"parameters": kept | wanted["parameters"]}),
            ),
        )
        limit = there.global_concurrency_limit
        if limit is not None and not limit.active:
            self._client.update_global_concurrency_limit(limit.name, GlobalConcurrencyLimitUpdate(active=True))


def differences(there: DeploymentResponse, declared: Declared, flow: AnyFlow) -> list[str]:
    """In what a deployment is not as declared; schedules and parameters that nothing is said about may be anything."""
    limit, options = there.global_concurrency_limit, there.concurrency_options
    wanted = _wanted(declared)
    present = {
        "entrypoint": there.entrypoint,
        "description": there.description,
        "tags": sorted(there.tags),
        "parameters": {name: value for name, value in there.parameters.items() if name in wanted["parameters"]},
        "work_pool_name": there.work_pool_name,
        "work_queue_name": there.work_queue_name,
        "job_variables": there.job_variables,
        "concurrency_limit": limit.limit if limit and limit.active else None,
        "concurrency_options": {"collision_strategy": options.collision_strategy.value} if options else None,
        "enforce_parameter_schema": there.enforce_parameter_schema,
    }
    wrong = [name for name, value in wanted.items() if present[name] != value]
    fields = flow.parameters.model_dump()
    if _without_empty(there.parameter_openapi_schema) != _without_empty(fields):
        wrong.append("form")
    if set(there.parameters) - set(fields["properties"]):
        wrong.append("parameters that its flow no longer has")
    return wrong


def _wanted(declared: Declared) -> dict[str, Any]:
    """What the server is to hold, under the names that its interface has for it."""
    pool, limit = declared["work_pool"], declared.get("concurrency_limit") or {}
    return {
        "entrypoint": declared["entrypoint"],
        "description": declared["description"],
        "tags": sorted(declared["tags"]),
        "parameters": declared.get("parameters") or {},
        "work_pool_name": pool["name"],
        "work_queue_name": pool["work_queue_name"],
        "job_variables": pool["job_variables"],
        "concurrency_limit": limit.get("limit"),
        "concurrency_options": (limit and {"collision_strategy": limit["collision_strategy"]}) or None,
        # without it the server would start runs whatever their form holds
        "enforce_parameter_schema": True,
    }


def _flow_of(declared: Declared) -> AnyFlow:
    module, _, name = declared["entrypoint"].rpartition(".")
    flow: AnyFlow = getattr(importlib.import_module(module), name)
    return flow


def _deploy(names: Sequence[str]) -> None:
    """Make deployments that are not there yet; Prefect's own command would overwrite what people set in others."""
    words = [sys.executable, "-m", "prefect", "--no-prompt", "deploy"]
    words += [word for name in names for word in ("--name", name)]
    subprocess.run(words, cwd=ROOT, check=True)  # noqa: S603  # names from our own prefect.yaml


def _essence(automation: AutomationCore) -> dict[str, Any]:
    """What makes two automations the same."""
    kept = automation.model_dump(mode="json", include={"name", "description", "enabled", "trigger", "actions"})
    for part in ("id", "parent", "automation_id"):
        kept["trigger"].pop(part, None)
    for part in ("after", "expect", "for_each"):
        # sets, which come in any order
        kept["trigger"][part] = sorted(kept["trigger"][part])
    return kept


def _without_empty(schema: Any) -> dict[str, Any]:
    """A schema without the parts that the server leaves out when there is nothing in them."""
    return {name: part for name, part in dict(schema or {}).items() if part}


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def main(words: Sequence[str] | None = None) -> int:
    """Apply or check; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 when something differs")
    only_check = parser.parse_args(words).check
    try:
        with reached_server() as client:
            changes = list(Applier(client, only_check=only_check).changes())
    except SynapseStorageError as trouble:
        print(trouble, file=sys.stderr)
        return trouble.exit_code
    for change in changes:
        verb = "left out" if change.blocked_by else "differs" if only_check else "made"
        print(f"{verb}: {change.what}{f' ({change.blocked_by} first)' if change.blocked_by else ''}")
    due = [change for change in changes if not change.blocked_by]
    if not due:
        print("The server is as this folder says.")
    return 1 if due and only_check else 0


if __name__ == "__main__":
    sys.exit(main())
