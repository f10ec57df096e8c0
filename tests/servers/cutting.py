"""A line between a client and a server that breaks where the test says."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_RESET_AT_CLOSE = struct.pack("ii", 1, 0)
_PIECE = 16_384


@dataclass(slots=True)
class Line:
    """Passes bytes on, and resets both ends after `cuts[0]` more bytes have gone up (or down, where it is negative).

    Each cut happens once, in order; a cut of 0 refuses the next connection.
    """

    target: tuple[str, int]
    cuts: list[int] = field(default_factory=list)
    port: int = 0
    happened: int = 0
    _passed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: set[socket.socket] = field(default_factory=set)

    def cut_after(self, *numbers: int) -> None:
        """Plan cuts; counting begins now."""
        with self._lock:
            self._passed = 0
            self.cuts = list(numbers)

    def serve(self, listener: socket.socket) -> None:
        """Accept until the listener closes."""
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            if self.cuts and self.cuts[0] == 0:
                self._cut(caller)
                continue
            far = socket.create_connection(self.target)
            with self._lock:
                self._open |= {caller, far}
            for source, sink, direction in ((caller, far, 1), (far, caller, -1)):
                threading.Thread(target=self._pass_on, args=(source, sink, direction), daemon=True).start()

    def close(self) -> None:
        """Reset whatever is open."""
        with self._lock:
            left, self._open = self._open, set()
        for one in left:
            _reset(one)

    def _pass_on(self, source: socket.socket, sink: socket.socket, direction: int) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                sink.sendall(piece)
                if self._is_due(direction, len(piece)):
                    self._cut(source, sink)
                    return
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _is_due(self, direction: int, count: int) -> bool:
        with self._lock:
            if not self.cuts or (self.cuts[0] > 0) != (direction > 0):
                return False
            self._passed += count
            return self._passed >= abs(self.cuts[0])

    def _cut(self, *ends: socket.socket) -> None:
        with self._lock:
            self.cuts.pop(0)
            self._passed = 0
            self.happened += 1
            self._open -= set(ends)
        for one in ends:
            _reset(one)


@contextmanager
def cuttable_line(port: int, host: str = "127.0.0.1") -> Iterator[Line]:
    """A line to a server of this machine; its `port` stands for the server's."""
    listener = socket.create_server(("127.0.0.1", 0))
    line = Line(target=(host, port), port=listener.getsockname()[1])
    accepting = threading.Thread(target=line.serve, args=(listener,), daemon=True)
    accepting.start()
    try:
        yield line
    finally:
        # closing alone does not wake a thread that waits in accept
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(10)
        line.close()


def _reset(one: socket.socket) -> None:
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        one.shutdown(socket.SHUT_RDWR)
    one.close()
