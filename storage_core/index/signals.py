"""Ctrl-C and the database: heard between statements and transactions, never inside one.

DuckDB looks for signals while it works and answers one with a `RuntimeError` of its own ("Query interrupted"): what
was being recorded would be lost, and nobody would know that a person had asked to stop.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def unbroken() -> Iterator[None]:
    """Let a signal that comes inside be answered at the end of the block, by whoever answers it otherwise.

    Blocks may stand inside each other. Only the main thread hears signals; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        del frame
        heard.append(number)

    answers = {number: answer for number in _STOPPING if callable(answer := signal.getsignal(number))}
    for number in answers:
        signal.signal(number, remember)
    try:
        yield
    finally:
        for number, answer in answers.items():
            signal.signal(number, answer)
        for caught in heard:
            answers[signal.Signals(caught)](caught, None)
