"""What is registered, beyond that it fits its flow: nothing runs by itself, no project is migrated twice at once."""

import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]


def deployments(repository: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((repository / "prefect.yaml").read_text())["deployments"]
    return found


def test_every_schedule_is_shipped_switched_off(repository: Path) -> None:
    """Who deploys everything starts nothing."""
    active = [one["name"] for one in deployments(repository) for it in one.get("schedules", []) if it["active"]]

    assert [] == active


def test_every_deployment_runs_once_at_a_time_or_says_why_not(repository: Path) -> None:
    """A shard is told apart by its index; everything else has a limit of one and says what a second run does."""
    unlimited = {one["name"] for one in deployments(repository) if not one.get("concurrency_limit")}

    assert set() == unlimited - {"shard"}


def test_nobody_migrates_a_project_that_an_example_names(repository: Path) -> None:
    """What only the steward knows has no default."""
    known = {"root_ids", "destination_storage_location_id", "container_id", "folder"}
    preset = {one["name"] for one in deployments(repository) if known & set(one.get("parameters") or {})}

    assert set() == preset


def test_every_pool_that_a_deployment_names_is_made_by_apply(repository: Path) -> None:
    pools = yaml.safe_load((repository / "deployments" / "work_pools.yaml").read_text())["work_pools"]

    assert {one["work_pool"]["name"] for one in deployments(repository)} == {pool["name"] for pool in pools}


def test_every_event_has_an_example_of_an_automation(repository: Path) -> None:
    """Each moment that a migration tells of is expected by one of the automations, with a name of its own."""
    from flows.events import Moment

    automations = [yaml.safe_load(path.read_text()) for path in (repository / "deployments/automations").glob("*.yaml")]

    expected = {event for one in automations for event in one["trigger"]["expect"]}
    assert {moment.value for moment in Moment} - {Moment.VERIFIED.value} <= expected
    assert len(automations) == len({one["name"] for one in automations})


def test_what_marks_dead_runs_looks_at_runs_of_ours_only_and_at_all_of_them(repository: Path) -> None:
    """Other flows of the server beat at their own pace, and would be marked as crashed while they work."""
    marking = [
        one["trigger"]["match_related"]
        for path in (repository / "deployments/automations").glob("*.yaml")
        if (one := yaml.safe_load(path.read_text()))["actions"][0]["type"] == "change-flow-run-state"
    ]

    ours = {"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.storage-migration"}
    assert [ours, ours] == marking
    assert all("storage-migration" in one["tags"] for one in deployments(repository))


def test_no_state_before_the_beginning_is_overlooked(repository: Path) -> None:
    """A run that a worker has taken is in one of several states, and may be left in each."""
    from inspect import getsource

    from prefect import states

    told = yaml.safe_load((repository / "deployments/automations/never-begun.yaml").read_text())["trigger"]["after"]
    named = re.findall(r'return Pending\(cls=cls, name="(\w+)"', getsource(states))

    assert named
    assert {f"prefect.flow-run.{name}" for name in ("Pending", *named)} == set(told)


def test_no_example_names_a_fact_that_its_template_language_takes_for_a_method(repository: Path) -> None:
    """In a template `payload.items` is a method of the mapping; the fact is `payload['items']`."""
    texts = {path.name: path.read_text() for path in (repository / "deployments/automations").glob("*.yaml")}
    wrong = [
        (name, word)
        for name, text in texts.items()
        for word in re.findall(r"payload\.(\w+)", text)
        if word in dir(dict)
    ]

    assert [] == wrong
    assert "payload['items'] }} places drifted" in texts["drifted.yaml"]


def test_what_the_image_copies_is_there(repository: Path) -> None:
    """The Dockerfile names files of the repository, and the compose file the Dockerfile."""
    lines = (repository / "deployments" / "Dockerfile").read_text().splitlines()
    copied = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]

    assert copied
    assert [] == [name for name in copied if not (repository / name).exists()]
    compose = yaml.safe_load((repository / "deployments" / "compose.yaml").read_text())
    assert (repository / "deployments" / compose["services"]["worker"]["build"]["dockerfile"]).name == "Dockerfile"


def test_the_image_is_sent_what_it_copies_and_no_more(repository: Path) -> None:
    """Without .dockerignore the whole checkout, environments included, would go to the builder."""
    lines = (repository / "deployments" / "Dockerfile").read_text().splitlines()
    copied = {word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]}
    ignored = [line for line in (repository / ".dockerignore").read_text().splitlines() if not line.startswith("#")]

    assert "*" == ignored[0]
    assert copied == {line[1:] for line in ignored if line.startswith("!")}


def test_the_services_of_the_compose_file_wait_for_what_they_need(repository: Path) -> None:
    """Database, server, everything applied, worker; secrets come from outside; the UI listens on loopback alone."""
    compose = yaml.safe_load((repository / "deployments" / "compose.yaml").read_text())
    services = compose["services"]
    waits = {
        name: {on: how["condition"] for on, how in one.get("depends_on", {}).items()} for name, one in services.items()
    }
    mounted = {volume.partition(":")[0] for one in services.values() for volume in one.get("volumes", [])}

    assert {
        "database": {},
        "server": {"database": "service_healthy"},
        "apply": {"server": "service_healthy"},
        "worker": {"apply": "service_completed_successfully"},
    } == waits
    assert all("healthcheck" in services[name] for name in ("database", "server"))
    assert set(compose["volumes"]) == mounted
    made = next(line for line in (repository / "deployments/Dockerfile").read_text().splitlines() if "mkdir" in line)
    inside = {volume.partition(":")[2] for name in ("server", "worker") for volume in services[name]["volumes"]}
    assert inside == {word for word in made.split() if word.startswith("/")}, "a volume would belong to root"
    assert ["127.0.0.1:4200:4200"] == services["server"]["ports"]
    assert "${SYNAPSE_AUTH_TOKEN:?" in services["worker"]["environment"]["SYNAPSE_AUTH_TOKEN"]
    assert [repository / "deployments" / "server.env"] == [
        repository / "deployments" / name for name in services["server"]["env_file"]
    ]


def test_prefect_s_kubernetes_worker_takes_the_job_template(repository: Path) -> None:
    """It insists on these, whatever Kubernetes would say to them (prefect-kubernetes, _get_base_job_manifest)."""
    import json

    from prefect.utilities.templating import apply_values

    template = json.loads((repository / "deployments" / "kubernetes-job.json").read_text())
    values = {name: one.get("default") for name, one in template["variables"]["properties"].items()}
    manifest = apply_values(template["job_configuration"], values)["job_manifest"]
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert ("batch/v1", "Job") == (manifest["apiVersion"], manifest["kind"])
    assert (1, 1, "Never", "prefect-job") == (
        pod["parallelism"], pod["completions"], pod["restartPolicy"], container["name"],
    )  # fmt: skip
    # left out, so that the worker fills in the command that executes the run
    assert not {"args", "command"} & set(container)
    assert [volume["name"] for volume in pod["volumes"]] == [mount["name"] for mount in container["volumeMounts"]]
    user = next(line for line in (repository / "deployments/Dockerfile").read_text().splitlines() if "useradd" in line)
    assert f"--uid {pod['securityContext']['runAsUser']} " in user


def test_the_kubernetes_template_fills_in_only_what_it_declares(repository: Path) -> None:
    import json

    text = (repository / "deployments" / "kubernetes-job.json").read_text()

    assert set(re.findall(r"\{\{ (\w+) \}\}", text)) == set(json.loads(text)["variables"]["properties"])
