"""Real programs for the tests here: started in a session of their own, watched through their log, stopped by group."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 400.0
"""How long anything here may take on a busy machine; what works is there after a few seconds."""


class CannotRunError(RuntimeError):
    """A program that is needed is not on this machine, or did not come up."""


class Program:
    """One running program with everything it started."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path) -> None:
        self.log = log
        self._left_alive: list[int] = []
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                list(words), env=dict(environment), stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=folder,
                start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """kill -9 to the program alone: what it started lives on, as after an accident, until `stop`."""
        self._left_alive = descendants(self.pid)
        self._process.kill()
        self._process.wait(PATIENCE_SECONDS)

    def kill_all(self) -> None:
        """kill -9 to the program and everything that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for orphan in self._left_alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGKILL)
        self._process.wait(PATIENCE_SECONDS)

    def stop(self) -> None:
        """Ask it to end; what is still there after a while is killed."""
        if self.is_running():
            self._process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
        self.kill_all()

    def tail(self) -> str:
        """The end of the log, for the message of a failing test."""
        return self.log.read_text(errors="replace")[-4000:]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_until(question: Callable[[], T | None], what: str, *, seconds: float = PATIENCE_SECONDS) -> T:
    """Ask again and again until the answer is something; says what it waited for when it gives up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if answer := question():
            return answer
        time.sleep(0.25)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


def descendants(pid: int) -> list[int]:
    """Processes below *pid*, however deep, those first that were started first (Linux)."""
    found = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout.split()
    pairs = list(zip(map(int, found[::2]), map(int, found[1::2]), strict=True))
    below = [pid]
    for one in below:
        below += [child for child, parent in pairs if parent == one]
    return below[1:]
