"""The real client reads what we uploaded, and we what it uploaded."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from storage_core.api.containers import Project
from storage_core.api.files_and_tables import File
from storage_core.config import load_config
from storage_core.model.transfers import Uploaded

if TYPE_CHECKING:
    from sandbox.server import Sandbox

pytestmark = pytest.mark.judge
MIB = 2**20


def test_files_go_both_ways(ask: Callable[..., Any], sandbox: "Sandbox", tmp_path: Path) -> None:
    """A small file and one of several parts, a name with blanks; equal MD5s everywhere, and no version too many."""
    project = ask("making_a_project")["id"]
    settings = {"SYNAPSE_CALLS_PER_MINUTE": "60000", "SYNAPSE_STATE_FOLDER": str(tmp_path / "state")}
    config = load_config(sandbox.environment() | settings)
    ours = tmp_path / "ours"
    (ours / "below").mkdir(parents=True)
    (ours / "small (1).txt").write_bytes(b"small")
    (ours / "below" / "large.bin").write_bytes(bytes(range(256)) * (40 * MIB // 256))

    up = Project(id=project).sync_to_synapse(ours, synapse_client=config)
    ids = {Path(one.path).name: one.entity_id for one in up if isinstance(one, Uploaded)}
    found = ask("reading_transfers", ids=list(ids.values()), parent=project, path=str(ours / "small (1).txt"))
    got = File(id=found["id"], path=tmp_path / "got").get(synapse_client=config)

    assert {name: md5_of(path) for name, path in files_in(ours).items()} == {
        one["name"]: one["md5"] for one in found["seen"]
    }
    assert all(one["md5"] == one["recorded"] for one in found["seen"])
    assert found["md5"] == md5_of(Path(str(got.path)))
    assert ids["small (1).txt"] == found["again"][0]


def files_in(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in folder.rglob("*") if path.is_file()}


def md5_of(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()
