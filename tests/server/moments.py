"""Stopping a run at a chosen moment: the call that begins a phase's work is done at the service and never answered.

What is killed then has lost as much as it can: the service has changed, and nobody has written down that it did.
"""

from dataclasses import dataclass

from sandbox.faults import FaultKind, FaultRule
from sandbox.server import Sandbox
from tests.server.processes import wait_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Calls of the service: a method, and a regular expression for the path."""

    method: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A phase, as it is met in the middle.

    Attributes:
        phase: its name in the documentation.
        task: what the names of its task runs begin with.
        held: its calls; the first *passing* are answered.
        after: a call that must have come before, where the same call belongs to several phases.
    """

    phase: str
    task: str
    held: Call
    passing: int = 0
    after: Call | None = None


_START_COPY = Call(method="POST", path=r"/multipart(\?|$)")
_BATCH = Call(method="POST", path="/fileHandle/batch$")
_WRITE_CELLS = Call(method="POST", path="/table/transaction/async/start$")

MOMENTS = (
    Moment(phase="index", task="fetch-handles", held=Call(method="POST", path="/bundle2$"), passing=2),
    Moment(phase="copy", task="copy-files", held=_START_COPY, passing=2),
    Moment(phase="prove", task="prove-copies", held=_BATCH, after=_START_COPY),
    Moment(phase="repoint", task="repoint-versions", held=Call(method="PUT", path="/entity/syn[0-9]+"), passing=1),
    Moment(phase="snapshot", task="snapshot-tables", held=Call(method="POST", path="/table/snapshot$")),
    Moment(phase="repoint cells", task="repoint-cells", held=_WRITE_CELLS),
    Moment(phase="verify", task="verify", held=_BATCH, after=_WRITE_CELLS),
)


class Stop:
    """Holds a run at a moment, from before it starts until `lift`."""

    def __init__(self, sandbox: Sandbox, moment: Moment) -> None:
        self._faults = sandbox.faults
        self._moment = moment
        self._before = None if moment.after is None else _holding(moment.after, 0)
        self._rule = _holding(moment.held, moment.passing)
        self._faults.add(self._before or self._rule)

    def wait(self) -> None:
        """Until the run has come to the moment."""
        if self._before is not None:
            before = self._before
            wait_until(lambda: before.struck, f"the call before phase {self._moment.phase}")
            self._exchange(before, self._rule)
        wait_until(lambda: self._rule.struck, f"phase {self._moment.phase} to begin")

    def lift(self) -> None:
        """Answer what was held, and hold nothing more."""
        self._faults.clear()

    def _exchange(self, old: FaultRule, new: FaultRule) -> None:
        # the new one is in force before the old one is lifted: nothing slips through
        self._faults.add(new)
        self._faults.rules.remove(old)


def _holding(call: Call, passing: int) -> FaultRule:
    return FaultRule(kind=FaultKind.HOLD, method=call.method, path=call.path, skip=passing, times=None)
