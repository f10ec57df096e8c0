"""The examples in deployments/automations, each fired once by a real run: what reaches Slack, a webhook and e-mail."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.faults import FaultKind, FaultRule
from sandbox.server import Sandbox
from tests.migration.harness import handles_in_use, own_every_handle, writes
from tests.server.outside import Message
from tests.server.processes import wait_until
from tests.server.stage import APPLY, Stage, variables_for

pytestmark = [pytest.mark.timeout(1800), pytest.mark.long]

DEPLOYMENT = "migrate-files/on-demand"
SLACK, MAIL, HOOK = "hooks.slack.com", "api.sendgrid.com", "127.0.0.1"


KEEP_ADDRESSES = """
import sys
from prefect.blocks.notifications import SendgridEmail, SlackWebhook
from prefect.blocks.webhook import Webhook

slack = "https://hooks.slack.com/services/T00000000/B00000000/000000000000000000000000"
SlackWebhook(url=slack).save("synapse-storage", overwrite=True)
Webhook(url=sys.argv[1]).save("synapse-storage", overwrite=True)
mail = SendgridEmail(api_key="no-real-key", sender_email="prefect@example.org", to_emails=["steward@example.org"])
mail.save("synapse-storage", overwrite=True)
"""
"""What a steward does who fills in the blocks that the examples name. In a process of its own: the messengers' library
warns of what it imports."""


def apply_examples(stage: Stage) -> None:
    """Keep the addresses, and make every automation."""
    kept = stage.run("-c", KEEP_ADDRESSES, stage.outside.address)
    assert 0 == kept.returncode, kept.stderr
    applied = stage.run(APPLY)
    assert 0 == applied.returncode, applied.stderr
    assert "left out" not in applied.stdout


def test_each_example_tells_whom_it_says_what_happened(stage: Stage, start_sandbox: Any, tmp_path: Path) -> None:
    """Planned, approved, begun, drifted, ended: one run in which somebody changed a file while the plan waited."""
    demo: Sandbox = start_sandbox(scenario="demo")
    assert demo.facts is not None
    apply_examples(stage)

    run_id = stage.start_run(DEPLOYMENT, demo, tmp_path, continue_on_error=True)
    stage.rest.wait_for(run_id, "Suspended")
    waiting = heard(stage, SLACK, "A plan waits")
    rename(demo, demo.facts.landmarks["readme"])
    plan_hash = stage.rest.plan_hash(run_id)
    stage.rest.resume(run_id, {"plan_hash": plan_hash, "approve": True})
    stage.rest.wait_for(run_id, "Failed")  # exit code 1: one place drifted

    root, name = demo.facts.root_id, stage.rest.run(run_id)["name"]
    assert plan_hash in waiting.text()
    assert name in waiting.text()
    approved = heard(stage, HOOK, "approval in Prefect")
    assert {"migration": root, "plan": plan_hash, "by": f"approval in Prefect of run {name}"} == approved.body
    assert f"plan {plan_hash} is carried out in run {name}" in heard(stage, SLACK, "A migration has begun").text()
    assert f"{root}: 1 places drifted" in heard(stage, MAIL, "Places were changed meanwhile").text()
    assert f"{root}: exit code 1" in heard(stage, SLACK, "A migration has ended").text()
    assert 1 == sum("A plan waits" in one.text() for one in stage.outside.messages), "told again when resumed"


def test_too_many_failures_are_told_by_mail(stage: Stage, start_sandbox: Any, tmp_path: Path) -> None:
    """No file can be copied: the run stops at the limit that the form names, and the example says how many failed."""
    demo: Sandbox = start_sandbox(scenario="demo")
    assert demo.facts is not None
    apply_examples(stage)
    demo.faults.add(
        FaultRule(kind=FaultKind.STATUS_BEFORE, method="POST", path=r"/multipart(\?|$)", status=400, times=None)
    )

    run_id = stage.start_run(DEPLOYMENT, demo, tmp_path, confirm="force", max_failures="2")
    ended = stage.rest.wait_for(run_id, "Failed")

    assert "ended with exit code 5 (failure threshold)" in ended["state"]["message"]
    told = heard(stage, MAIL, "A migration stopped").text()
    counts = {
        row["status"]: row["items"] for row in json.loads(stage.rest.artifacts(run_id)["migration-counts"]["data"])
    }
    assert counts["ERRORED"] > 2
    assert (
        f"{demo.facts.root_id}: {counts['ERRORED']} items failed. The report of run {ended['name']} tells why." in told
    )


def test_a_roll_back_is_approved_by_its_hash_and_told(stage: Stage, start_sandbox: Any, tmp_path: Path) -> None:
    """Its plan waits like a migration's: nothing is written before, each message comes once."""
    demo: Sandbox = start_sandbox(scenario="demo")
    assert demo.facts is not None
    own_every_handle(demo)
    apply_examples(stage)
    before = handles_in_use(demo)
    run_id = stage.start_run(DEPLOYMENT, demo, tmp_path, confirm="force", file_version_strategy="latest")
    stage.rest.wait_for(run_id, "Completed")
    written = writes(demo)

    parameters = {"index_path": str(tmp_path / "m.duckdb")}
    back_id = stage.rest.start("roll-back/rollback", parameters, variables_for(demo, tmp_path))
    stage.rest.wait_for(back_id, "Suspended")
    plan_hash = stage.rest.plan_hash(back_id, "rollback-plan")
    waiting = heard(stage, SLACK, f"Plan {plan_hash}")
    assert "REJECT" == stage.rest.resume(back_id, {"plan_hash": "0123456789ab", "approve": True})["status"]
    assert ("Suspended", written) == (stage.rest.state(back_id), writes(demo))
    assert "ACCEPT" == stage.rest.resume(back_id, {"plan_hash": plan_hash, "approve": True})["status"]
    ended = stage.rest.wait_for(back_id, "Completed")

    assert "every place is rolled back and was read back" == ended["state"]["message"]
    assert before == handles_in_use(demo)
    root, name = demo.facts.root_id, ended["name"]
    counts = {
        row["status"]: row["items"] for row in json.loads(stage.rest.artifacts(back_id)["migration-counts"]["data"])
    }
    rolled_back = f"{root}: exit code 0, {counts['ROLLED_BACK']} places rolled back."
    assert rolled_back in heard(stage, SLACK, "A migration was rolled back").text()
    assert f"Approve or decline it in run {name}." in waiting.text()
    assert 1 == sum(f"Plan {plan_hash}" in one.text() for one in stage.outside.messages), "told again when resumed"


def heard(stage: Stage, host: str, words: str) -> Message:
    """The message with these words, once it came to that host."""

    def there() -> Message | None:
        return next((one for one in stage.outside.messages if one.host == host and words in one.text()), None)

    return wait_until(there, f"{words!r} to reach {host}")


def rename(sandbox: Sandbox, entity_id: str) -> None:
    """As somebody else would, in a browser."""
    path = f"{sandbox.url}/repo/v1/entity/{entity_id}"
    with httpx.Client(headers={"Authorization": f"Bearer {sandbox.token}"}, trust_env=False) as browser:
        entity = browser.get(path).json()
        changed = browser.put(path, json={**entity, "name": "renamed meanwhile.txt"})
    assert changed.is_success, changed.text
