"""A whole tree of containers: which locations govern each, and how many files lie there."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from storage_core.errors import RestError
from storage_core.model.entities import EntityHeader
from storage_core.model.ids import EntityId, StorageLocationId
from storage_core.model.upload_settings import TreeNode
from storage_core.plan.attaching import check_container
from storage_core.ports.storage import Storage
from storage_core.steps.attaching import resolve_setting

_AT_ONCE = 16
"""Containers looked into at a time; the limiter decides how many calls that makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inherited:
    location_ids: tuple[StorageLocationId, ...]
    origin_id: EntityId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    node: TreeNode
    folders: tuple[EntityHeader, ...]


async def map_uploads(entity_id: EntityId, storage: Storage) -> tuple[TreeNode, ...]:
    """Every container below *entity_id*, itself first, each before its folders. Two to four calls a container.

    A container that cannot be read stays in the tree, with what was wrong.

    Raises:
        UsageError: the entity is no container.
    """
    effective = await resolve_setting(entity_id, storage)
    check_container(effective.entity)
    top = _Inherited(
        location_ids=effective.location_ids, origin_id=None if effective.origin is None else effective.origin.id
    )
    slots = asyncio.Semaphore(_AT_ONCE)
    found: dict[EntityId, _Looked] = {}
    level: Sequence[tuple[EntityHeader, EntityId | None, _Inherited]] = [(effective.entity, None, top)]
    depth = 0
    while level:
        looked = await asyncio.gather(*(_look(*one, depth, storage, slots) for one in level))
        found |= {one.node.container.id: one for one in looked}
        level = [
            (
                folder,
                one.node.container.id,
                _Inherited(location_ids=one.node.location_ids, origin_id=one.node.origin_id),
            )
            for one in looked
            for folder in one.folders
        ]
        depth += 1
    return tuple(_in_order(effective.entity.id, found))


async def _look(
    container: EntityHeader,
    parent_id: EntityId | None,
    above: _Inherited,
    depth: int,
    storage: Storage,
    slots: asyncio.Semaphore,
) -> _Looked:
    trouble: str | None = None
    folders: tuple[EntityHeader, ...] = ()
    files: int | None = None
    governed = above
    async with slots:
        try:
            setting = await storage.setting(container.id)
            if setting is not None:
                governed = _Inherited(location_ids=setting.location_ids, origin_id=container.id)
            listing = await storage.container(container.id)
            folders, files = listing.folders, listing.file_count
        except RestError as error:
            trouble = error.what
    node = TreeNode(
        container=container,
        parent_id=parent_id,
        depth=depth,
        location_ids=governed.location_ids,
        origin_id=governed.origin_id,
        file_count=files,
        trouble=trouble,
    )
    return _Looked(node=node, folders=folders)


def _in_order(top: EntityId, found: dict[EntityId, _Looked]) -> list[TreeNode]:
    """Depth first, folders in the order of their listing."""
    ordered: list[TreeNode] = []
    waiting = [top]
    while waiting:
        looked = found[waiting.pop()]
        ordered.append(looked.node)
        waiting += [folder.id for folder in reversed(looked.folders)]
    return ordered
