"""Manifests of the real client are given to us, and ours to it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from storage_core.api import upload_manifest
from storage_core.api.connection import Connection
from storage_core.api.containers import Folder
from storage_core.config import load_config
from storage_core.model.transfers import Uploaded

if TYPE_CHECKING:
    from sandbox.server import Sandbox

pytestmark = pytest.mark.judge
COLUMNS = "path\tparent\tused\texecuted\tactivityName\tactivityDescription\ttissue\tage\twhen\tok\n"
CELLS = 'https://example.org/x\t{raw}\tcleaning\tby hand\t[liver,"left, lower"]\t7\t2020-01-01T00:00:00Z\tTrue\n'


def test_manifests_go_both_ways(ask: Callable[..., Any], sandbox: "Sandbox", tmp_path: Path) -> None:
    """In both of its formats; nothing has changed, so nothing is written."""
    project = ask("making_a_project")["id"]
    settings = {"SYNAPSE_CALLS_PER_MINUTE": "60000", "SYNAPSE_STATE_FOLDER": str(tmp_path / "state")}
    raw, clean = tmp_path / "raw.csv", tmp_path / "clean.csv"
    raw.write_text("raw")
    clean.write_text("clean")
    manifest = tmp_path / "ours.tsv"
    manifest.write_text(
        COLUMNS + f"{clean}\t{project}\t" + CELLS.format(raw=raw) + f"{raw}\t{project}" + "\t" * 8 + "\n"
    )
    with Connection(load_config(sandbox.environment() | settings)) as connection:
        made = upload_manifest(manifest, synapse_client=connection)
        down = Folder(id=project).sync_from_synapse(tmp_path / "down", synapse_client=connection)
        found = ask("manifesting", folder=project, manifest=down.manifest_path)
        before = [version_of(sandbox, one) for one in made]

        older = upload_manifest(tmp_path / "older" / "SYNAPSE_METADATA_MANIFEST.tsv", synapse_client=connection)
        newer = upload_manifest(tmp_path / "newer" / "manifest.csv", synapse_client=connection)

    assert {"SYNAPSE_METADATA_MANIFEST.tsv", "clean.csv", "raw.csv"} <= {*found["older"]}
    assert {"manifest.csv", "clean.csv", "raw.csv"} <= {*found["newer"]}
    assert ["UNCHANGED"] * 4 == [one.result for one in (*older, *newer) if isinstance(one, Uploaded)]
    assert before == [version_of(sandbox, one) for one in made]


def version_of(sandbox: "Sandbox", one: object) -> Any:
    """Everything that a change would have changed."""
    assert isinstance(one, Uploaded)
    entity = sandbox.world.entities.require(one.entity_id)
    return entity.etag, len(entity.versions), entity.current.annotations
