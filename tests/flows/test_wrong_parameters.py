"""Every field of every deployment in prefect.yaml, filled in wrongly: refused in words, before anything runs."""

import importlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prefect import Flow
from prefect.exceptions import ParameterTypeError

from flows.parameters import index_path_from
from storage_core.errors import SynapseStorageError, UsageError
from tests.flows.wrong_parameters import GOOD, WRONG

ROOT = Path(__file__).parents[2]
DEPLOYMENTS: dict[str, dict[str, Any]] = {
    one["name"]: one for one in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
}


@cache
def flow_of(deployment: str) -> Flow[..., Any]:
    module, _, name = DEPLOYMENTS[deployment]["entrypoint"].rpartition(".")
    found: Flow[..., Any] = getattr(importlib.import_module(module), name)
    return found


def form_of(deployment: str) -> dict[str, Any]:
    return flow_of(deployment).parameters.model_dump()


def good_for(deployment: str) -> dict[str, Any]:
    """What a form holds when everything that must be filled in is."""
    fields = form_of(deployment)["properties"]
    preset = DEPLOYMENTS[deployment].get("parameters") or {}
    return preset | {name: value for name, value in GOOD.items() if name in fields}


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_every_field_of_every_deployment_has_its_wrong_values(deployment: str) -> None:
    """A new deployment, or a new field, fails here until somebody has thought about what may be written into it."""
    fields = form_of(deployment)["properties"]

    assert [] == [name for name in fields if len(WRONG.get(name, ())) < 2]
    assert [] == [name for name in form_of(deployment).get("required", []) if name not in GOOD]
    flow_of(deployment).validate_parameters(good_for(deployment))


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_wrong_values_are_refused_by_name(deployment: str) -> None:
    """By the flow itself, so also where no server stands before it."""
    accepted, unnamed = [], []
    for name in form_of(deployment)["properties"]:
        for value in WRONG[name]:
            try:
                flow_of(deployment).validate_parameters(good_for(deployment) | {name: value})
            except ParameterTypeError as refused:
                if name not in str(refused):
                    unnamed.append((name, value, str(refused)))
            else:
                accepted.append((name, value))

    assert ([], []) == (accepted, unnamed)


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_fields_that_are_not_there_are_refused(deployment: str) -> None:
    """A misspelt option is never taken for its default."""
    with pytest.raises((ParameterTypeError, TypeError), match="continue_on_eror"):
        flow_of(deployment).validate_parameters(good_for(deployment) | {"continue_on_eror": True})


TOGETHER: dict[str, tuple[dict[str, Any], str]] = {
    "nothing to migrate": ({"file_version_strategy": "skip"}, "include_table_files"),
    "more than all may fail": ({"max_failures": "101%"}, "101%"),
    "a view that is no id": ({"view": "my view"}, "my view"),
    "a place that is none": ({"report_folder": "s3://"}, "s3://bucket/prefix"),
    "a view that is not read": ({"index_via": "bundle", "view": "syn5"}, "view"),
}
"""Values that are right by themselves, and what the refusal names."""


PAIRS = [
    (deployment, case)
    for deployment in DEPLOYMENTS
    for case, (values, _) in TOGETHER.items()
    if values.keys() <= form_of(deployment)["properties"].keys()
]


@pytest.mark.parametrize(("deployment", "case"), PAIRS)
def test_values_that_make_no_sense_together_are_refused_before_the_index_is_made(
    deployment: str, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flow's own first look, without a Prefect run around it."""
    values, told = TOGETHER[case]
    monkeypatch.chdir(tmp_path)
    flow = flow_of(deployment)
    checked = flow.validate_parameters(good_for(deployment) | {"index_path": "m.duckdb"} | values)

    with pytest.raises(SynapseStorageError, match=told) as refused:
        flow.fn(**checked)

    assert refused.value.fix
    assert [] == list(tmp_path.iterdir())


PATHS = ("index_path", "report_folder", "folder", "manifest")


@pytest.mark.parametrize(
    ("deployment", "field"),
    [(one, field) for one in DEPLOYMENTS for field in PATHS if field in form_of(one)["properties"]],
)
def test_a_relative_path_is_refused_in_a_run_of_a_deployment(
    deployment: str, field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker removes the directory that a run works in; an index there would be gone when its plan is approved."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "the deployment's")
    absolute = {name: str(tmp_path / name) for name in PATHS if name in form_of(deployment)["properties"]}
    flow = flow_of(deployment)
    checked = flow.validate_parameters(good_for(deployment) | absolute | {field: "here/m.duckdb"})

    with pytest.raises(UsageError, match=r"here/m.duckdb.* would lie in the directory that the worker removes"):
        flow.fn(**checked)

    assert [] == list(tmp_path.iterdir())


def test_the_folder_that_deployments_name_is_made_on_a_new_worker_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistyped path makes no folder; a home that cannot be written to is told of."""
    monkeypatch.setenv("HOME", str(tmp_path))
    preset = {
        one["parameters"]["index_path"] for one in DEPLOYMENTS.values() if "index_path" in one.get("parameters", {})
    }

    assert {tmp_path / "synapse-storage"} == {index_path_from(path).parent for path in preset}
    index_path_from("~/synapse-stroage/m.duckdb")
    assert [tmp_path / "synapse-storage"] == list(tmp_path.iterdir())

    (tmp_path / "synapse-storage").rmdir()
    (tmp_path / "synapse-storage").write_text("in the way")
    with pytest.raises(UsageError, match="cannot be made"):
        index_path_from(next(iter(preset)))
