"""A contest: every contestant does the same work at the same time, each in a sandbox of its own that looks alike.

At the same time, so that whatever else the machine does meets all of them; the throttle leaves it idle mostly.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.contestants import ROOT, Contestant, Question, environment
from benchmarks.end_state import Judge
from benchmarks.one_budget import OneBudget
from benchmarks.registry import Wishes
from benchmarks.timed_traffic import TimedTraffic
from sandbox.scenarios.facts import ScenarioFacts
from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from sandbox.state import state_of
from sandbox.synapse.throttle import Window
from sandbox.synapse.world import World

LATENCY_SECONDS = 0.05
"""Of a call of the service, where nothing is accelerated."""

NOT_DONE = "not done after"
"""How the ending of a contestant begins that was ended because it took too long, and did nothing wrong so far."""

_LOOK_SECONDS = 0.05
_SHOWN_VIOLATIONS = 5
_RUNNING: set[int] = set()
"""Process groups of the contestants under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """The work and its circumstances.

    Attributes:
        fill: builds a world with so many items.
        items: how many places have to refer to a copy in the end.
        copy_bytes_per_second: of each server-side part copy; None for at once.
        quiet_seconds: a contestant that asks Synapse nothing for so long hangs, and is ended.
        most_seconds: a contestant that takes longer is ended.
    """

    question: Question
    fill: Callable[[World, int], ScenarioFacts]
    judge: Judge
    items: int
    item: str
    latency_seconds: float
    copy_bytes_per_second: float | None = None
    quiet_seconds: float = 60.0
    most_seconds: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one contestant did in one run. `calls` leaves out the refused ones, `by_call` holds all.

    `spans` holds the seconds from the start to the first and to the last answer of each call.

    Run 0 is about one item: what every start costs, to be taken off where a figure is per item.
    """

    contestant: str
    run: int
    ending: str
    wrong: int
    first_wrong: tuple[str, ...]
    said: str
    wall_seconds: float
    cpu_seconds: float
    peak_mib: float
    calls: int
    throttled: int
    most_in_flight: int
    by_call: dict[str, int]
    spans: dict[str, tuple[float, float]]
    s3_calls: dict[str, int]

    @property
    def is_result(self) -> bool:
        """Whether it ended by itself, well, and everything is as it must be."""
        return self.ending == "done" and self.wrong == 0


def hold(contest: Contest, contestants: Sequence[Contestant], wishes: Wishes) -> list[Measurement]:
    """Hold the contest as often as wished, and once with a single item; in the order of runs and contestants."""
    found: list[Measurement] = []
    taking_part = [one for one in contestants if one.name not in wishes.without]
    with ThreadPoolExecutor(len(taking_part)) as threads:
        for run in range(wishes.runs + 1):
            begun = [threads.submit(compete, contest, contestant, run) for contestant in taking_part]
            found += [one.result() for one in begun]
    return found


def compete(contest: Contest, contestant: Contestant, run: int) -> Measurement:
    """Let one contestant do the work; run 0 is about one item."""
    options = SandboxOptions(latency_seconds=contest.latency_seconds)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, running_sandbox(options) as sandbox:
        sandbox.facts = contest.fill(sandbox.world, contest.items if run else 1)
        question = contest.question
        if question.has_one_budget:
            sandbox.app.throttle = OneBudget(sandbox.clock)
        sandbox.app.throttle.limits.frequency = Window(calls=question.calls_per_window, seconds=question.window_seconds)
        sandbox.world.objects.copy_bytes_per_second = contest.copy_bytes_per_second
        before = snapshot_of(sandbox)
        traffic = sandbox.app.traffic = TimedTraffic()
        began = time.monotonic()
        ended = _run(
            contest, contestant.command(question, sandbox), environment(question, sandbox, Path(folder)), sandbox
        )
        wrong = contest.judge(before, snapshot_of(sandbox), sandbox.facts)
        return Measurement(
            contestant=contestant.name,
            run=run,
            ending=ended.ending,
            wrong=len(wrong),
            first_wrong=tuple(wrong[:_SHOWN_VIOLATIONS]),
            said=ended.said,
            wall_seconds=ended.wall_seconds,
            cpu_seconds=ended.cpu_seconds,
            peak_mib=ended.peak_mib,
            calls=traffic.by_status.total() - traffic.by_status[429],
            throttled=traffic.by_status[429],
            most_in_flight=traffic.most_in_flight,
            by_call=dict(traffic.by_call.most_common()),
            spans={call: (first - began, last - began) for call, (first, last) in traffic.spans.items()},
            s3_calls=dict(sandbox.world.objects.calls),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    ending: str
    said: str
    wall_seconds: float
    cpu_seconds: float
    peak_mib: float


def _run(contest: Contest, command: list[str], variables: dict[str, str], sandbox: Sandbox) -> _Ended:
    """Run the process to its end, or end it; what it and its children used is asked of the operating system."""
    place = Path(variables["HOME"])
    with (place / "said.txt").open("w+b") as said:
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=place,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        _RUNNING.add(process.pid)
        try:
            status, used, peak_mib, stopped = _watched(contest, process, sandbox, began)
        finally:
            _RUNNING.discard(process.pid)
        wall = time.monotonic() - began
        said.seek(0)
        # results are kept in the repository, where no folder of this machine belongs
        text = said.read().decode(errors="replace").replace(str(place), "FOLDER").replace(str(ROOT), "HERE")[-2000:]
    code = process.returncode = os.waitstatus_to_exitcode(status)
    return _Ended(
        ending=stopped or ("done" if code == 0 else f"exit code {code}"),
        said=text,
        wall_seconds=wall,
        cpu_seconds=used.ru_utime + used.ru_stime,
        peak_mib=peak_mib,
    )


def end_contestants() -> None:
    """End every contestant that is under way, with whatever it has started."""
    for group in tuple(_RUNNING):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def _watched(
    contest: Contest, process: subprocess.Popen[bytes], sandbox: Sandbox, began: float
) -> tuple[int, Any, float, str]:
    stopped, asked, asked_at, peak = "", -1, began, 0.0
    while True:
        found, status, used = os.wait4(process.pid, os.WNOHANG)
        if found:
            return status, used, peak, stopped
        peak = _peak_mib(process.pid) or peak
        now, answered = (
            time.monotonic(),
            sandbox.app.traffic.by_status.total() + sum(sandbox.world.objects.calls.values()),
        )
        if answered != asked:
            asked, asked_at = answered, now
        if not stopped and now - asked_at > contest.quiet_seconds:
            stopped = f"hangs: asked nothing for {contest.quiet_seconds:.0f} s"
        elif not stopped and now - began > contest.most_seconds:
            stopped = f"{NOT_DONE} {contest.most_seconds:.0f} s"
        if stopped:
            os.killpg(process.pid, signal.SIGKILL)
        time.sleep(_LOOK_SECONDS)


def _peak_mib(process: int) -> float | None:
    """The most memory it had so far; None once it has ended.

    What `wait4` tells begins with the memory of whoever started it, and a sandbox of 100,000 files has a gigabyte.
    """
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text(encoding="ascii"))
    return int(found[1]) / 1024 if found else None


def snapshot_of(sandbox: Sandbox) -> Any:
    """The whole world, as a judge compares it."""
    return json.loads(json.dumps(state_of(sandbox.world)))
