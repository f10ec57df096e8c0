"""Files that appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from storage_core.errors import UsageError


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """Write text that becomes *path* when the block ends well; after an error *path* is as it was.

    Raises:
        UsageError: the folder is missing or may not be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        file = draft.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", fix="Give a path in a folder that exists and is yours."
        ) from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:  # nothing is swallowed: it is cleaned up and raised again
        draft.unlink(missing_ok=True)
        raise
