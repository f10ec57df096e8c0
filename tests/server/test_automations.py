"""The examples in deployments/automations, each fired once by a real run: what reaches Slack, a webhook and e-mail."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.server import Sandbox
from tests.server.outside import Message
from tests.server.processes import wait_until
from tests.server.stage import APPLY, Stage

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
