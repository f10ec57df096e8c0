"""Files and folders up and down, from Python."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from storage_core.api import (
    download_files,
    download_files_async,
    upload_files,
    upload_files_async,
    upload_manifest,
    upload_manifest_async,
)
from storage_core.api.containers import Folder
from storage_core.api.files_and_tables import File
from storage_core.config import Config
from storage_core.errors import ManifestUnusable, NotFound, UsageError
from storage_core.model.ids import EntityId
from storage_core.model.trees import TransferFailure


def test_a_file_is_stored_and_got(
    config: Config, container: EntityId, make_file: Callable[..., Path], tmp_path: Path
) -> None:
    path = make_file("a.csv", 1234, seed=int(container[3:]))

    stored = File(path=path, parent_id=container, description="about").store(synapse_client=config)
    again = File(path=path, parent_id=container).store(synapse_client=config)
    got = File(id=stored.id, path=tmp_path / "down").get(synapse_client=config)

    assert (stored.id, 1) == (again.id, again.version_number)
    assert path.read_bytes() == Path(str(got.path)).read_bytes()
    assert ("a.csv", 1234, stored.content_md5) == (got.name, got.content_size, got.content_md5)


def test_the_awaited_twins_do_the_same(
    config: Config, container: EntityId, make_file: Callable[..., Path], tmp_path: Path
) -> None:
    """On the caller's own loop, as in a notebook."""
    path = make_file("a.csv", 999, seed=int(container[3:]))

    async def both() -> File:
        stored = await File(path=path, parent_id=container).store_async(synapse_client=config)
        return await File(id=stored.id, path=tmp_path / "down").get_async(synapse_client=config)

    assert path.read_bytes() == Path(str(asyncio.run(both()).path)).read_bytes()


def test_a_folder_is_synchronised_both_ways(
    config: Config, container: EntityId, make_file: Callable[..., Path], tmp_path: Path
) -> None:
    make_file("one/a.csv", 10, seed=int(container[3:]))
    make_file("b.csv", 20, seed=int(container[3:]))

    up = Folder(id=container).sync_to_synapse(tmp_path / "files", synapse_client=config)
    down = Folder(id=container).sync_from_synapse(tmp_path / "down", synapse_client=config)

    assert 2 == len(up) == len(down.outcomes)
    assert (tmp_path / "files/one/a.csv").read_bytes() == (tmp_path / "down/one/a.csv").read_bytes()


def test_what_is_missing_is_asked_for(config: Config, container: EntityId) -> None:
    with pytest.raises(UsageError, match="no local file"):
        File(parent_id=container).store(synapse_client=config)
    with pytest.raises(UsageError, match="no way to treat a collision"):
        File(id=container, if_collision="maybe").get(synapse_client=config)


def test_many_files_go_up_and_come_down_at_once(
    config: Config, container: EntityId, make_file: Callable[..., Path], tmp_path: Path
) -> None:
    """Each file comes back filled; one that fails comes back as its failure, in its place."""
    paths = [make_file(f"{number}.csv", 10 + number, seed=int(container[3:])) for number in range(3)]
    wanted = [File(path=path, parent_id=container) for path in (*paths, tmp_path / "missing.csv")]

    up = upload_files(wanted, synapse_client=config)
    stored = [one for one in up if isinstance(one, File)]
    down = download_files(
        [*(File(id=one.id, path=tmp_path / "down") for one in stored), File(id="syn99999999")], synapse_client=config
    )

    assert ["0.csv", "1.csv", "2.csv"] == [one.name for one in stored]
    assert isinstance(up[3], TransferFailure)
    assert isinstance(up[3].error, UsageError)
    assert [path.read_bytes() for path in paths] == [
        Path(str(one.path)).read_bytes() for one in down if isinstance(one, File)
    ]
    assert isinstance(down[3], TransferFailure)
    assert isinstance(down[3].error, NotFound)


def test_many_files_and_manifests_have_awaited_twins(
    config: Config, container: EntityId, make_file: Callable[..., Path], tmp_path: Path
) -> None:
    paths = [make_file(f"{number}.csv", 10 + number, seed=int(container[3:])) for number in range(2)]
    manifest = tmp_path / "m.tsv"
    manifest.write_text("path\n" + "".join(f"{path}\n" for path in paths))

    async def all_of_it() -> tuple[list[object], list[object], list[str]]:
        up = await upload_files_async([File(path=path, parent_id=container) for path in paths], synapse_client=config)
        wanted = [File(id=one.id, path=tmp_path / "down") for one in up if isinstance(one, File)]
        down = await download_files_async(wanted, synapse_client=config)
        listed = await upload_manifest_async(manifest, parent_id=container, synapse_client=config)
        return list(up), list(down), [str(getattr(one, "result", one)) for one in listed]

    up, down, listed = asyncio.run(all_of_it())

    assert 2 == len(up) == len(down)
    assert ["UNCHANGED", "UNCHANGED"] == listed


def test_what_a_file_says_of_itself_is_stored_with_it(
    running: Sandbox, config: Config, container: EntityId, make_file: Callable[..., Path]
) -> None:
    path = make_file("a.csv", 12, seed=int(container[3:]))
    file = File(
        path=path,
        parent_id=container,
        annotations={
            "age": 7,
            "weights": [1, 2.5],
            "is_alive": True,
            "tissue": ["liver", "7"],
            "born": datetime(2020, 1, 1, tzinfo=UTC),
        },
        used=[container],
        executed=["https://example.org/x"],
        activity_name="by hand",
    )

    stored = file.store(synapse_client=config)
    etag = running.world.entities.require(str(stored.id)).etag
    again = file.store(synapse_client=config)

    entity = running.world.entities.require(str(stored.id))
    assert {
        "age": {"type": "LONG", "value": ["7"]},
        "weights": {"type": "DOUBLE", "value": ["1", "2.5"]},
        "is_alive": {"type": "BOOLEAN", "value": ["true"]},
        "tissue": {"type": "STRING", "value": ["liver", "7"]},
        "born": {"type": "TIMESTAMP_MS", "value": ["1577836800000"]},
    } == entity.current.annotations
    activity = running.world.entities.activities.require(entity.current.activity_id or "")
    assert ("by hand", 2) == (activity.name, len(activity.used))
    assert (1, etag) == (again.version_number, entity.etag)


def test_annotations_that_synapse_cannot_have_are_refused(config: Config, container: EntityId, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1")
    for annotations, said in (
        ({"a b": 1}, "no name for an annotation"),
        ({"a": [1, "x"]}, "several kinds"),
        ({"a": [None]}, "is a NoneType"),
    ):
        with pytest.raises(UsageError, match=said):
            File(path=path, parent_id=container, annotations=annotations).store(  # type: ignore[arg-type]
                synapse_client=config
            )


def test_a_manifest_goes_up_from_python(
    config: Config, container: EntityId, make_file: Callable[..., Path], tmp_path: Path
) -> None:
    path = make_file("a.csv", 10, seed=int(container[3:]))
    manifest = tmp_path / "m.tsv"
    manifest.write_text(f"path\tparent\n{path}\t{container}\n")

    tried = upload_manifest(manifest, dry_run=True, synapse_client=config)
    done = upload_manifest(manifest, synapse_client=config)
    manifest.write_text(f"path\tparent\n{path}.none\t{container}\n")

    assert ["CREATED", "CREATED"] == [str(getattr(one, "result", one)) for one in (*tried, *done)]
    with pytest.raises(ManifestUnusable, match="line 2"):
        upload_manifest(manifest, synapse_client=config)
