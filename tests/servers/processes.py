"""Starts the programs that tests talk to, each in a process group of its own, and stops them again."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 40
STOP_SECONDS = 10
LARGEST_PORT = 65_535
_ADMINS_FOLDERS = ("/usr/sbin", "/sbin")


class ServerMissingError(RuntimeError):
    """The real server is not installed here, or did not come up; the message says which and what to do."""


def program(name: str, *, comes_with: str) -> str:
    """Find a program beside this interpreter or on the path, and say what brings it when it is not there."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(name, path=os.pathsep.join([beside, os.environ["PATH"], *_ADMINS_FOLDERS]))
    if found is None:
        raise ServerMissingError(f"there is no {name} here; {comes_with} brings it")
    return found


@contextmanager
def running(
    command: Sequence[str],
    *,
    folder: Path,
    is_up: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the command until the block ends; enter the block when *is_up* says yes.

    Raises:
        ServerMissingError: it ended, or was not up in time; the message ends with the tail of its output.
    """
    name = Path(command[0]).name
    log = folder / f"{name}.log"
    with log.open("ab") as written:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder,
            env={**os.environ, **(environment or {})},
        )
    try:
        _await(process, is_up, name, log)
        yield process
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End the process with everything it started, politely first."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
        except ProcessLookupError:
            break
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        break


def free_port(*, and_above: int = 0) -> int:
    """A free port on loopback, free also at the given distance above it."""
    for _ in range(200):
        with socket.socket() as low, socket.socket() as high:
            low.bind(("127.0.0.1", 0))
            port = int(low.getsockname()[1])
            if port + and_above > LARGEST_PORT:
                continue
            try:
                high.bind(("127.0.0.1", port + and_above if and_above else 0))
            except OSError:
                continue
            return port
    raise ServerMissingError("there are no free ports")


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody listens there."""
    with socket.socket() as caller:
        caller.settimeout(2)
        return caller.connect_ex((host, port)) == 0


def _await(process: "subprocess.Popen[bytes]", is_up: Callable[[], bool], name: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if is_up():
            return
        time.sleep(0.05)
    raise ServerMissingError(f"{name} did not come up:\n{log.read_text(errors='replace')[-2000:]}")
