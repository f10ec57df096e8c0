"""Files and folders up and down, from Python."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from storage_core.api.containers import Folder
from storage_core.api.files_and_tables import File
from storage_core.config import Config
from storage_core.errors import UsageError
from storage_core.model.ids import EntityId


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
