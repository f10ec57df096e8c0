"""The sandbox is an optional part of the installation."""

from collections.abc import Iterator
from contextlib import contextmanager

from storage_core.errors import UsageError


@contextmanager
def optional_part() -> Iterator[None]:
    """Import the sandbox inside.

    Raises:
        UsageError: it, or something it needs, is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The sandbox needs {error.name}, which is not installed.",
            fix="Install synapse-storage with the extra named sandbox: synapse-storage[sandbox].",
        ) from error
