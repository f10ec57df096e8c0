"""A process that becomes the command line, again and again, and dies when told to.

Reads one JSON order per line from standard input, forks, and the child is the program: it has everything imported and
nothing opened, so that hundreds of real processes cost seconds instead of minutes. Standard output tells how each
ended: its exit code, or minus the signal that ended it.
"""

import importlib
import json
import os
import pkgutil
import signal
import sys
from typing import Any

import storage_core.cli.main
from storage_core.synapse import clock as product_clock
from tests.crash.points import Points, install
from tests.faults.weather import make_weather

_LONGEST_LIFE_SECONDS = 120


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


def main() -> None:
    """Serve orders until standard input ends."""
    for module in pkgutil.walk_packages(storage_core.__path__, "storage_core."):
        importlib.import_module(module.name)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            sys.stdin = open(os.devnull)  # noqa: SIM115, PTH123 - for the life of the child
            code = 70
            try:
                code = become_program(order)
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
