"""A process that transfers one file and kills itself, for real, at a moment it was told.

Arguments: what to do (up, down), the moment, the entity, the path. Moments: a number of bytes that have moved,
``ended`` (all bytes are through), ``attached`` (the entity was changed, nobody here knows it yet), ``never``.
"""

import os
import signal
import sys
from typing import Any

from storage_core.config import load_config
from storage_core.model.ids import EntityId
from storage_core.model.transfers import DownloadOrder, UploadOrder
from storage_core.plan.parts import MIB
from storage_core.plan.upload_parts import UploadPartLimits
from storage_core.wiring.storage import storage_desk
from storage_core.wiring.transfers import transfer_desk


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DeadlyWatch:
    def __init__(self, moment: str) -> None:
        self._moment = moment
        self._bytes = 0

    def began(self, path: str, size_bytes: int) -> None:
        self.moved(path, 0)

    def moved(self, path: str, count: int) -> None:
        self._bytes += count
        if self._moment.isdigit() and self._bytes >= int(self._moment):
            die()

    def ended(self, path: str) -> None:
        if self._moment == "ended":
            die()


async def transfer(config: Any, desk: Any, words: list[str]) -> None:
    direction, moment, entity, path = words
    limits = UploadPartLimits(smallest_part_bytes=5 * MIB)
    async with transfer_desk(config, desk, watch=DeadlyWatch(moment), part_limits=limits) as transfers:
        if direction == "down":
            await transfers.downloader.download(DownloadOrder(entity_id=EntityId(entity), folder=path))
            return
        files = transfers.uploader.files
        if moment == "attached":
            create = files.create_file

            async def created_and_dead(new: Any) -> Any:
                await create(new)
                die()

            files.create_file = created_and_dead  # type: ignore[method-assign]
        await transfers.uploader.upload(UploadOrder(path=path, parent_id=EntityId(entity)))


def main() -> None:
    config = load_config()
    with storage_desk(config) as desk:
        desk.network.run(transfer(config, desk, sys.argv[1:]))


if __name__ == "__main__":
    main()
