"""Implements `transfer_ports.LocalFiles`."""

from storage_core.local_files.reading import measure
from storage_core.model.transfers import LocalFile
from storage_core.transfer_ports import Moved, untold


class Disk:
    """The disks of this machine."""

    async def measure(self, path: str, told: Moved = untold) -> LocalFile:
        """Read a file to its end, for size and MD5."""
        return await measure(path, told)
