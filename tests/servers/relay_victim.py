"""The command line in a process that kills itself, for real, while it relays.

Arguments: the moment, then the words of the command. Moments: ``begun`` (a first chunk was read), ``half`` (half of a
large file was), ``poured`` (the bytes are in their place, Synapse was not told), ``told`` (Synapse was, the answer is
not kept), ``kept`` (the index has the new handle).
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from storage_core.cli.main import main
from storage_core.engines.relay_copy import RelayCopyEngine
from storage_core.engines.relay_reading import RelayReading
from storage_core.index.copies import CopyTables


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def after(owner: Any, name: str, is_due: Callable[..., bool]) -> None:
    """Die when a method of *owner* has returned and *is_due* says so of the object it belongs to and its result."""
    original = getattr(owner, name)

    async def deadly(self: Any, *facts: Any) -> Any:
        result = await original(self, *facts)
        if is_due(self, result):
            die()
        return result

    setattr(owner, name, deadly)


def read_at_most(share: float) -> None:
    original = RelayReading._rest

    async def rest(self: Any) -> Any:
        async for chunk in original(self):
            yield chunk
            if self.content.expected.size_bytes > 1 << 20 and self.first_byte + self.sent >= share * 20 * (1 << 20):
                die()

    RelayReading._rest = rest  # type: ignore[method-assign]


def arm(moment: str) -> None:
    match moment:
        case "begun":
            read_at_most(0)
        case "half":
            read_at_most(0.5)
        case "poured":
            after(RelayCopyEngine, "_stored", lambda *_: True)
        case "told":
            after(RelayCopyEngine, "_registered", lambda *_: True)
        case "kept":
            record = CopyTables.record_copies

            def kept(self: Any, outcomes: Any) -> Any:
                record(self, outcomes)
                die()

            CopyTables.record_copies = kept  # type: ignore[method-assign]
        case _:
            raise ValueError(f"{moment!r} is no moment")


if __name__ == "__main__":
    arm(sys.argv.pop(1))
    main()
