"""Directories up, containers down, and again: only what changed moves."""

import csv
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from storage_core.errors import NotFound, UsageError
from storage_core.model.ids import EntityId
from storage_core.model.transfers import (
    Downloaded,
    DownloadResult,
    IfCollision,
    Uploaded,
    UploadOrder,
)
from storage_core.model.trees import TransferFailure
from storage_core.plan.manifests import COLUMNS, MANIFEST_NAME
from storage_core.steps.trees_down import TreeDownloaded
from storage_core.wiring.storage import StorageDesk
from tests.transfers.conftest import Transfers, content

SHAPE = {"a.csv": 100, "b.bin": 2000, "one/a.csv": 100, "one/two/deep.txt": 7, "one/two/a.csv": 300, "three/x.y": 1}


@pytest.fixture
def tree(tmp_path: Path, container: EntityId) -> Path:
    root = tmp_path / "tree"
    for number, (name, size) in enumerate(SHAPE.items()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(size, seed=1000 * int(container[3:]) + number))
    (root / "empty folder").mkdir()
    return root


def upload(
    transfers: Transfers, tree: Path, container: EntityId, *, is_dry: bool = False
) -> list[Uploaded | TransferFailure]:
    order = UploadOrder(path="", parent_id=container)
    return transfers.run(lambda desk: desk.trees_up.upload_tree(str(tree), order), is_dry=is_dry)


def download(
    transfers: Transfers, container: EntityId, folder: Path, policy: IfCollision = IfCollision.OVERWRITE_LOCAL
) -> TreeDownloaded:
    return transfers.run(lambda desk: desk.trees_down.download_tree(container, str(folder), policy))


def results(outcomes: object) -> Counter[str]:
    return Counter(
        type(one.error).__name__ if isinstance(one, TransferFailure) else str(one.result)
        for one in outcomes  # type: ignore[attr-defined]
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST_NAME
    }


def test_a_tree_goes_up_and_comes_down_the_same(
    transfers: Transfers, container: EntityId, tree: Path, tmp_path: Path
) -> None:
    up = upload(transfers, tree, container)
    down = download(transfers, container, tmp_path / "down")

    assert {"CREATED": len(SHAPE)} == results(up)
    assert {"DOWNLOADED": len(SHAPE)} == results(down.outcomes)
    assert contents(tree) == contents(tmp_path / "down")


def test_only_what_changed_moves_the_second_time(
    running: Sandbox, transfers: Transfers, container: EntityId, tree: Path, tmp_path: Path
) -> None:
    upload(transfers, tree, container)
    download(transfers, container, tmp_path / "down")
    (tree / "one" / "a.csv").write_bytes(content(50, seed=int(container[3:])))
    (tree / "new.txt").write_bytes(content(60, seed=int(container[3:])))

    up = upload(transfers, tree, container)
    down = download(transfers, container, tmp_path / "down")

    assert {"UNCHANGED": len(SHAPE) - 1, "NEW_VERSION": 1, "CREATED": 1} == results(up)
    assert {"UNCHANGED": len(SHAPE) - 1, "DOWNLOADED": 2} == results(down.outcomes)
    assert contents(tree) == contents(tmp_path / "down")


def test_an_unchanged_tree_costs_one_call_a_file(
    transfers: Transfers, container: EntityId, tree: Path, desk: StorageDesk
) -> None:
    """And one per container that is listed, and one for each one's destination."""
    upload(transfers, tree, container)
    before = desk.remote.calls.total

    upload(transfers, tree, container)

    containers = 5
    assert desk.remote.calls.total - before <= len(SHAPE) + 2 * containers


def test_the_manifest_is_the_clients(
    running: Sandbox, transfers: Transfers, container: EntityId, tree: Path, tmp_path: Path
) -> None:
    """Its columns in its order, annotations behind them; every file that is here, each with its id."""
    up = upload(transfers, tree, container)
    first = next(one for one in up if isinstance(one, Uploaded) and one.path.endswith("b.bin"))
    current = running.world.entities.require(first.entity_id).current
    current.annotations = {
        "tissue": {"type": "STRING", "value": ["liver", "left, lower"]},
        "age": {"type": "LONG", "value": ["7"]},
    }

    down = download(transfers, container, tmp_path / "down")

    with Path(down.manifest_path).open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [*COLUMNS, "age", "tissue"] == list(rows[0])
    assert sorted(str(tmp_path / "down" / name) for name in SHAPE) == [row["path"] for row in rows]
    (row,) = [row for row in rows if row["id"] == first.entity_id]
    assert ("b.bin", container, "True", "7", '[liver,"left, lower"]') == (
        row["name"],
        row["parent"],
        row["synapseStore"],
        row["age"],
        row["tissue"],
    )


def test_one_bad_file_does_not_stop_the_others(
    transfers: Transfers, container: EntityId, tree: Path, tmp_path: Path
) -> None:
    """Empty, badly named, not readable as a file: each is told of with its path, all others arrive."""
    (tree / "empty.txt").write_bytes(b"")
    (tree / "semi;colon.txt").write_bytes(b"1")
    os.mkfifo(tree / "one" / "pipe")
    (tree / "nowhere").symlink_to(tree / "not there")
    (tree / "loop").symlink_to(tree)

    up = upload(transfers, tree, container)

    failed = sorted(Path(one.what).name for one in up if isinstance(one, TransferFailure))
    assert ["empty.txt", "loop", "nowhere", "pipe", "semi;colon.txt"] == failed
    assert len(SHAPE) == results(up)["CREATED"]


def test_files_of_one_name_are_kept_apart_the_same_way_each_time(
    running: Sandbox,
    transfers: Transfers,
    container: EntityId,
    make_file: Callable[..., Path],
    tmp_path: Path,
) -> None:
    """Entities have distinct names, their files need not."""
    for number in range(3):
        path = make_file("same.bin", 100, seed=10 * int(container[3:]) + number)
        order = UploadOrder(path=str(path), parent_id=container, name=f"entity {number}")
        done = transfers.run(lambda desk, order=order: desk.uploader.upload(order))  # type: ignore[misc]
        object.__setattr__(running.world.handles.require(done.handle_id), "file_name", "same.bin")

    first = download(transfers, container, tmp_path / "down")
    second = download(transfers, container, tmp_path / "down")

    assert ["same(1).bin", "same(2).bin", "same.bin"] == sorted(contents(tmp_path / "down"))
    assert {"UNCHANGED": 3} == results(second.outcomes)
    assert paths_by_entity(first) == paths_by_entity(second)


def paths_by_entity(down: TreeDownloaded) -> dict[str, str]:
    return {one.entity_id: one.path for one in down.outcomes if isinstance(one, Downloaded)}


def test_a_name_that_leads_elsewhere_fails_alone(
    running: Sandbox, transfers: Transfers, container: EntityId, tree: Path, tmp_path: Path
) -> None:
    up = upload(transfers, tree, container)
    victim = next(one for one in up if isinstance(one, Uploaded) and one.path.endswith("deep.txt"))
    object.__setattr__(running.world.handles.require(victim.handle_id), "file_name", "../../../escaped.txt")

    down = download(transfers, container, tmp_path / "down")

    (failure,) = [one for one in down.outcomes if isinstance(one, TransferFailure)]
    assert victim.entity_id == failure.entity_id
    assert isinstance(failure.error, UsageError)
    assert not list(tmp_path.rglob("escaped*"))
    assert len(SHAPE) - 1 == results(down.outcomes)["DOWNLOADED"]


def test_local_changes_are_kept_when_that_is_wished(
    transfers: Transfers, container: EntityId, tree: Path, tmp_path: Path
) -> None:
    upload(transfers, tree, container)
    download(transfers, container, tmp_path / "down")
    (tmp_path / "down" / "a.csv").write_text("mine")

    kept = download(transfers, container, tmp_path / "down", IfCollision.KEEP_LOCAL)

    assert "mine" == (tmp_path / "down" / "a.csv").read_text()
    assert 1 == results(kept.outcomes)[DownloadResult.KEPT_LOCAL]


def test_a_directory_or_container_that_is_not_there_is_an_error(
    transfers: Transfers, container: EntityId, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="There is no"):
        upload(transfers, tmp_path / "missing", container)
    with pytest.raises(NotFound):
        download(transfers, EntityId("syn99999999"), tmp_path / "down")


def test_empty_folders_come_back(transfers: Transfers, container: EntityId, tmp_path: Path) -> None:
    for name in ("a/empty", "b/c/empty"):
        (tmp_path / "tree" / name).mkdir(parents=True)
    upload(transfers, tmp_path / "tree", container)

    download(transfers, container, tmp_path / "copy")

    assert ["a", "a/empty", "b", "b/c", "b/c/empty"] == sorted(
        str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*") if path.is_dir()
    )


def test_a_file_where_an_empty_folder_goes_fails_alone(
    transfers: Transfers, container: EntityId, tmp_path: Path
) -> None:
    (tmp_path / "tree" / "a").mkdir(parents=True)
    (tmp_path / "tree" / "b.txt").write_text("b")
    upload(transfers, tmp_path / "tree", container)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "a").write_text("in the way")

    done = download(transfers, container, tmp_path / "copy")

    assert {"UsageError": 1, "DOWNLOADED": 1} == results(done.outcomes)
    assert "in the way" == (tmp_path / "copy" / "a").read_text()


@pytest.mark.parametrize("is_dry", [True, False])
def test_a_folder_whose_name_synapse_refuses_fails_alone_and_in_words(
    transfers: Transfers, container: EntityId, tmp_path: Path, is_dry: bool
) -> None:
    for name in ("100% sure", "fine"):
        (tmp_path / "odd" / name).mkdir(parents=True)
        (tmp_path / "odd" / name / "a.txt").write_text("a")

    outcomes = upload(transfers, tmp_path / "odd", container, is_dry=is_dry)

    assert ["a.txt"] == [one.name for one in outcomes if isinstance(one, Uploaded)]
    (failure,) = [one for one in outcomes if isinstance(one, TransferFailure)]
    assert "'100% sure' is no name for a folder in Synapse." in failure.error.what
    assert "rename the directory" in failure.error.fix


def test_letters_that_the_service_refuses_are_explained(
    transfers: Transfers, container: EntityId, tmp_path: Path
) -> None:
    """Whether a name may hold letters of every script is the service's word; it says nothing of what to do."""
    (tmp_path / "odd" / "gr\u00f6\u00dfe").mkdir(parents=True)
    (tmp_path / "odd" / "gr\u00f6\u00dfe" / "a.txt").write_text("a")
    (tmp_path / "odd" / "\u00fc.txt").write_text("u")

    outcomes = upload(transfers, tmp_path / "odd", container)

    assert 2 == len(outcomes)
    for outcome in outcomes:
        assert isinstance(outcome, TransferFailure)
        assert "is no name for a file or folder in Synapse" in outcome.error.what
        assert "rename it" in outcome.error.fix
