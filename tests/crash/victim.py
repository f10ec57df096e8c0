"""A process that becomes the command line, again and again, and dies when told to.

Reads one JSON order per line from standard input, forks, and the child is the program: it has everything imported and
nothing opened, so that hundreds of real processes cost seconds instead of minutes. What a child had to import late, its
parent imports, too, for those that follow. Standard output tells how each ended: its exit code, or minus the signal
that ended it.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import signal
import sys
from pathlib import Path
from typing import Any

import storage_core.cli.main
from storage_core.synapse import clock as product_clock
from tests.crash.points import Points, install
from tests.faults.weather import make_weather

_LONGEST_LIFE_SECONDS = 900
"""More than a machine with many enumerations at once can need; what hangs is ended all the same."""


def become_program(order: dict[str, Any]) -> int:
    """Be `synapse-storage` with the words of *order*; returns its exit code."""
    os.environ.clear()
    os.environ.update(order["env"])
    for number, key in ((1, "out"), (2, "err")):
        descriptor = os.open(order[key], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    signal.alarm(order.get("alarm", _LONGEST_LIFE_SECONDS))
    trace = os.open(order["trace"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    kill_at = order["kill_at"]
    install(Points(trace, tuple(kill_at) if kill_at else None), order=order["order"], synapse=order["synapse"])
    make_weather(order.get("weather", {}), order["synapse"], product_clock.SystemClock)
    sys.argv = ["synapse-storage", *order["words"]]
    try:
        storage_core.cli.main.main()
    except SystemExit as ended:
        code = ended.code
        return code if isinstance(code, int) else 1
    return 0


def _one_life(order: dict[str, Any]) -> None:
    """The child's part; does not return."""
    sys.stdin = open(os.devnull)  # noqa: SIM115, PTH123 - for the life of the child
    code = 70
    known = set(sys.modules)
    try:
        code = become_program(order)
        sys.stdout.flush()
        sys.stderr.flush()
        Path(order["modules"]).write_text("\n".join(sys.modules.keys() - known))
    finally:
        os._exit(code)


def _learn_from(late: Path) -> None:
    """Import what the child had to: a third of the time of a short life is imports that are put off."""
    if not late.exists():
        return
    for name in late.read_text().splitlines():
        with contextlib.suppress(ImportError):  # some names are made up by their packages, and cannot be asked for
            importlib.import_module(name)
    late.unlink()
    gc.collect()
    gc.freeze()  # or each child's first collection would copy all of it


def main() -> None:
    """Serve orders until standard input ends."""
    for module in pkgutil.walk_packages(storage_core.__path__, "storage_core."):
        importlib.import_module(module.name)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _one_life(order)
        _, status = os.waitpid(child, 0)
        _learn_from(Path(order["modules"]))
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    os._exit(0)  # what was frozen is not to be taken apart


if __name__ == "__main__":
    main()
