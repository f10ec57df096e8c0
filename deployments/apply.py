"""Bring a Prefect server to what this folder says: work pools, limits, block types, automations, deployments.

    python deployments/apply.py            makes what is missing and corrects what differs; again and again, if you like
    python deployments/apply.py --check    changes nothing; tells what is missing or differs, exit code 1 if anything

Run it from the top of the repository, with PREFECT_API_URL set.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


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
        from flows.credentials import BLOCKS

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
            automation = AutomationCore.model_validate({"enabled": True, **wanted})
            there = present.get(automation.name)
            if there is not None and _essence(there) == _essence(automation):
                continue
            if not self._only_check and there is not None:
                self._client.delete_automation(there.id)
            if not self._only_check:
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
        declared = _yaml(ROOT / "prefect.yaml")["deployments"]
        stale = [one["name"] for one in declared if not self._is_deployed(one)]
        if stale and not self._only_check:
            subprocess.run([sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"], cwd=ROOT, check=True)
        yield from (Change(what=f"deployment {name}") for name in stale)

    def _is_deployed(self, declared: dict[str, Any]) -> bool:
        """Whether a deployment is there with its parameters, tags and limits. Schedules are their users' business."""
        import importlib

        module, _, name = declared["entrypoint"].rpartition(".")
        flow = getattr(importlib.import_module(module), name)
        try:
            there = self._client.read_deployment_by_name(f"{flow.name}/{declared['name']}")
        except ObjectNotFound:
            return False
        limit = there.global_concurrency_limit.limit if there.global_concurrency_limit else None
        return (
            there.entrypoint == declared["entrypoint"]
            and there.description == declared["description"]
            and sorted(there.tags) == sorted(declared["tags"])
            and set(declared.get("parameters") or {}) <= set(there.parameters)
            and there.work_pool_name == declared["work_pool"]["name"]
            and limit == (declared.get("concurrency_limit") or {"limit": None})["limit"]
            and _without_empty(there.parameter_openapi_schema) == _without_empty(flow.parameters.model_dump())
        )


def _essence(automation: AutomationCore) -> dict[str, Any]:
    """What makes two automations the same."""
    kept = automation.model_dump(mode="json", include={"name", "description", "trigger", "actions"})
    for part in ("id", "parent", "automation_id"):
        kept["trigger"].pop(part, None)
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
    with get_client(sync_client=True) as client:
        changes = list(Applier(client, only_check=only_check).changes())
    for change in changes:
        verb = "left out" if change.blocked_by else "differs" if only_check else "made"
        print(f"{verb}: {change.what}{f' ({change.blocked_by} first)' if change.blocked_by else ''}")
    due = [change for change in changes if not change.blocked_by]
    if not due:
        print("The server is as this folder says.")
    return 1 if due and only_check else 0


if __name__ == "__main__":
    sys.exit(main())
