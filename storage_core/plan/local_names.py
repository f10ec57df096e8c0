"""Names that files of Synapse get on this machine: never outside of the folder, never two the same."""

import re
from collections.abc import Iterable
from itertools import chain

from storage_core.errors import UsageError

LONGEST_BYTES = 255
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_NOT_ON_WINDOWS = re.compile(r'[<>:"|?*]|[ .]$')
_DEVICES = frozenset({"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}) | {
    f"{port}{number}" for port in ("COM", "LPT") for number in "123456789¹²³"
}


def check_name(name: str, *, on_windows: bool) -> str:
    """Give *name* back when it names one entry of a folder and nothing else.

    Raises:
        UsageError: it leads elsewhere (separators, ``..``), holds invisible characters, or stands for a device.
    """
    why = _why_not(name, on_windows=on_windows)
    if why is None:
        return name
    shown = name.encode("unicode_escape").decode("ascii")
    raise UsageError(f"A file cannot be called {shown[:120]!r} here: {why}.", fix="Choose another name with --name.")


def _why_not(name: str, *, on_windows: bool) -> str | None:
    rules = (
        (name in {"", ".", ".."}, "it is no name"),
        ("/" in name or "\\" in name, "it holds a path"),
        (_CONTROL.search(name), "it holds control characters"),
        (len(name.encode("utf-8", "surrogatepass")) > LONGEST_BYTES, f"it has more than {LONGEST_BYTES} bytes"),
        (on_windows and _NOT_ON_WINDOWS.search(name), "Windows does not allow it"),
        (on_windows and name.partition(".")[0].rstrip().upper() in _DEVICES, "Windows has a device of that name"),
    )
    return next((why for is_broken, why in rules if is_broken), None)


def local_name(file_name: str | None, entity_name: str) -> str:
    """The name a file gets when nobody chose one: the one it was uploaded under, as far as that is known."""
    # the service writes NOT_SET where nobody told it a name (contract 7.6)
    return file_name if file_name and file_name != "NOT_SET" else entity_name


def other_names(name: str) -> Iterable[str]:
    """Names to keep beside *name*, in order: ``a(1).txt``, ``a(2).txt``, and so on."""
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        stem, dot, suffix = name, "", ""
    for number in range(1, 10_000):
        yield f"{stem}({number}){dot}{suffix}"


class LocalNames:
    """The names of one folder, each given once: the first keeps it, later ones get a number.

    The same names in the same order are given the same at every run. Names that differ in case only are the same to
    many file systems, so they count as one.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def give(self, name: str) -> str:
        """*name*, or the first free one beside it."""
        free = (one for one in chain((name,), other_names(name)) if one.casefold() not in self._taken)
        chosen = next(free)
        self._taken.add(chosen.casefold())
        return chosen
