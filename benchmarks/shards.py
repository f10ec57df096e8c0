"""More machines, more budget: one migration by 1, 2 and 4 processes, each with a budget of Synapse calls of its own.

    python -m benchmarks.shards [FILES] [CALLS_PER_MINUTE]

The sandbox keeps the service's limits per user and address: 3 calls in flight and 600 a minute, or fewer, so that one
computer's processors suffice for four machines. Each process reaches it through a forwarder with an address of its own
on the loopback network, as machines would. Processor time is measured beside it: where it nears what the computer has,
the table says nothing about machines.
"""

import asyncio
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.keeping import RESULTS, keep
from benchmarks.registry import Report, Wishes
from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from sandbox.synapse.throttle import Window
from storage_core.index.reading import open_for_reading
from storage_core.sharding import absorb, split

MACHINES = (1, 2, 4)
FILES = 160
CALLS_PER_MINUTE = 100
COMMAND = (sys.executable, "-c", "from storage_core.cli.main import main; main()")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One row of the table.

    Attributes:
        calling: from the first call of all to the last answer: what the budgets limit.
        starting: before the first call of the machine that began last; processors limit that.
        ending: from the last answer until the last process had ended; so do they that.
        most_calls, fewest_calls: of the machines.
        processor_seconds: of all processes; and of this one, which is the sandbox and the network between.
    """

    machines: int
    seconds: float
    calls: int
    refused: int
    migrated: int
    calling: float
    starting: float
    ending: float
    most_calls: int
    fewest_calls: int
    processor_seconds: float
    sandbox_seconds: float

    def row(self, alone: "Measured") -> str:
        """As a line of the table; *alone* is what one machine needed."""
        speed_up = alone.seconds / self.seconds
        while_calling = alone.calling / self.calling
        busy = (self.processor_seconds + self.sandbox_seconds) / self.seconds / (os.cpu_count() or 1)
        cells = (
            f"{self.machines}",
            f"{self.seconds:.1f}",
            f"{speed_up:.2f}",
            f"{speed_up / self.machines:.2f}",
            f"{self.calling:.1f}",
            f"{while_calling:.2f}",
            f"{while_calling / self.machines:.2f}",
            f"{self.calls:,}",
            f"{self.fewest_calls:,} to {self.most_calls:,}",
            f"{self.refused}",
            f"{self.starting:.1f}",
            f"{self.ending:.1f}",
            f"{self.processor_seconds:.1f} + {self.sandbox_seconds:.1f}",
            f"{busy:.0%}",
            f"{self.migrated}",
        )
        return f"| {' | '.join(cells)} |"


HEAD = (
    "Machines",
    "Seconds",
    "Speed-up",
    "per machine",
    "First call to last answer, s",
    "Speed-up",
    "per machine",
    "Calls",
    "of each machine",
    "refused (429)",
    "Starting, s",
    "Ending, s",
    "CPU s, clients + sandbox",
    "of this computer",
    "Places migrated",
)


class Forwarder:
    """Passes connections on to the sandbox from the loopback address 127.0.0.N."""

    def __init__(self, number: int, port: int) -> None:
        self._address = f"127.0.0.{number + 1}"
        self._to = port
        self.port = 0
        self.calls = 0
        self.first = 0.0
        self.last = 0.0

    async def listen(self) -> None:
        """Start; the port is known then."""
        server = await asyncio.start_server(self._passed_on, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def _passed_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to, local_addr=(self._address, 0))
        await asyncio.gather(self._pumped(reader, back, self._asked), self._pumped(there, writer, self._answered))

    def _asked(self, block: bytes) -> None:
        # no pipelining: a request begins a block
        self.calls += block.startswith((b"GET /", b"POST /", b"PUT /", b"DELETE /"))
        self.first = self.first or time.monotonic()

    def _answered(self, _block: bytes) -> None:
        self.last = time.monotonic()

    @staticmethod
    async def _pumped(source: asyncio.StreamReader, sink: asyncio.StreamWriter, seen: Callable[[bytes], None]) -> None:
        with contextlib.suppress(ConnectionError):
            while block := await source.read(65536):
                seen(block)
                sink.write(block)
                await sink.drain()
        sink.close()


@contextlib.contextmanager
def forwarders(count: int, port: int) -> Iterator[list[Forwarder]]:
    """So many machines' ways to the sandbox."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    made = [Forwarder(number, port) for number in range(1, count + 1)]
    for one in made:
        asyncio.run_coroutine_threadsafe(one.listen(), loop).result()
    yield made
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def measure(machines: int, files: int, calls_per_minute: int) -> Measured:
    """Index without limits, divide, migrate with them; only the last is timed, process starts included."""
    options = SandboxOptions(scenario="flat", size=files, wait_scale=0)
    with tempfile.TemporaryDirectory() as name, running_sandbox(options) as sandbox:
        folder = Path(name)
        limits = sandbox.app.throttle.limits
        limits.enabled = False
        index = folder / "m.duckdb"
        _run(sandbox, folder, "index", index).wait()
        shards = split(index, machines)
        limits.enabled, limits.frequency = True, Window(calls=calls_per_minute, seconds=60)
        sandbox.app.traffic.reset()
        ours, theirs = time.process_time(), _processor_seconds_of_children()
        with forwarders(machines, _port(sandbox)) as ways:
            began = time.monotonic()
            running = [
                _run(sandbox, folder, "migrate", shard, way, calls_per_minute)
                for shard, way in zip(shards, ways, strict=True)
            ]
            codes = [one.wait() for one in running]
            ended = time.monotonic()
        ours, theirs = time.process_time() - ours, _processor_seconds_of_children() - theirs
        if any(codes):
            said = "".join(shard.with_suffix(".log").read_text() for shard in shards)
            raise RuntimeError(f"a shard ended with {codes}: {said}")
        for shard in shards:
            absorb(index, shard)
        with open_for_reading(index) as reader:
            ((migrated,),) = reader.rows("select count(*) from items_v1 where status = 'MIGRATED'")
        statuses = sandbox.app.traffic.by_status
        return Measured(
            machines=machines,
            seconds=ended - began,
            calls=statuses.total(),
            refused=statuses[429],
            migrated=migrated,
            calling=max(way.last for way in ways) - min(way.first for way in ways),
            starting=max(way.first for way in ways) - began,
            ending=ended - max(way.last for way in ways),
            most_calls=max(way.calls for way in ways),
            fewest_calls=min(way.calls for way in ways),
            processor_seconds=theirs,
            sandbox_seconds=ours,
        )


def _processor_seconds_of_children() -> float:
    """Of those that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(
    sandbox: Sandbox, folder: Path, verb: str, index: Path, way: Forwarder | None = None, calls_per_minute: int = 60_000
) -> subprocess.Popen[bytes]:
    facts = sandbox.facts
    if facts is None:
        raise RuntimeError("the sandbox was started without its project")
    variables = sandbox.environment() | {
        "HOME": str(folder),
        "SYNAPSE_STATE_FOLDER": str(folder / f"state-{index.stem}"),
        "SYNAPSE_CALLS_PER_MINUTE": str(calls_per_minute),
    }
    if way is not None:
        here, there = f":{_port(sandbox)}/", f":{way.port}/"
        variables |= {key: value.replace(here, there) for key, value in variables.items() if key.endswith("_ENDPOINT")}
    words = [verb, facts.root_id, str(facts.destination_id), str(index), "--file-version-strategy", "latest"]
    force = ["--force"] if verb == "migrate" else []
    with index.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(
            [*COMMAND, *words, *force], env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder
        )


def _port(sandbox: Sandbox) -> int:
    return int(sandbox.url.rsplit(":", 1)[1])


def main() -> None:
    """Measure, print the table, as Markdown, and keep every figure."""
    files, calls_per_minute = [*map(int, sys.argv[1:]), *(FILES, CALLS_PER_MINUTE)[len(sys.argv) - 1 :]]
    began, every = datetime.now(UTC), []
    path = RESULTS / f"{began:%Y-%m-%d-%H%M%S}-shards.json"
    print(f"{files} files, {calls_per_minute} calls a minute for each machine, load {os.getloadavg()[0]:.1f}")
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    alone: Measured | None = None
    for machines in MACHINES:
        found = measure(machines, files, calls_per_minute)
        alone = alone or found
        print(found.row(alone), flush=True)
        every.append(asdict(found))
        raw = {"files": files, "callsPerMinute": calls_per_minute, "machines": every}
        keep(path, began, Wishes(runs=1), [Report(benchmark="shards", tables=(), raw=raw)])


if __name__ == "__main__":
    main()
