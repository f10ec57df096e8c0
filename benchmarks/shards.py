"""More machines, more budget: one migration by 1, 2 and 4 processes, each with a budget of Synapse calls of its own.

    python -m benchmarks.shards [FILES]

The sandbox keeps the service's limits of 600 calls a minute and 3 in flight per user and address. Each process reaches
it through a forwarder with an address of its own on the loopback network, as machines would.
"""

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.server import Sandbox, SandboxOptions, running_sandbox
from storage_core.index.reading import open_for_reading
from storage_core.sharding import absorb, split

MACHINES = (1, 2, 4)
FILES = 480
COMMAND = (sys.executable, "-c", "from storage_core.cli.main import main; main()")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One row of the table."""

    machines: int
    seconds: float
    calls: int
    refused: int
    migrated: int


class Forwarder:
    """Passes connections on to the sandbox from the loopback address 127.0.0.N."""

    def __init__(self, number: int, port: int) -> None:
        self._address = f"127.0.0.{number + 1}"
        self._to = port
        self.port = 0

    async def listen(self) -> None:
        """Start; the port is known then."""
        server = await asyncio.start_server(self._passed_on, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def _passed_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to, local_addr=(self._address, 0))
        await asyncio.gather(_pumped(reader, back), _pumped(there, writer))


async def _pumped(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while block := await source.read(65536):
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


def measure(machines: int, files: int) -> Measured:
    """Index without limits, divide, migrate with them; only the last is timed, process starts included."""
    options = SandboxOptions(scenario="flat", size=files, wait_scale=0)
    with tempfile.TemporaryDirectory() as name, running_sandbox(options) as sandbox:
        folder = Path(name)
        limits = sandbox.app.throttle.limits
        limits.enabled = False
        index = folder / "m.duckdb"
        _run(sandbox, folder, "index", index).wait()
        shards = split(index, machines)
        limits.enabled = True
        sandbox.app.traffic.reset()
        with forwarders(machines, _port(sandbox)) as ways:
            began = time.monotonic()
            running = [_run(sandbox, folder, "migrate", shard, way) for shard, way in zip(shards, ways, strict=True)]
            codes = [one.wait() for one in running]
            seconds = time.monotonic() - began
        if any(codes):
            raise RuntimeError(f"a shard ended with {codes}")
        for shard in shards:
            absorb(index, shard)
        with open_for_reading(index) as reader:
            ((migrated,),) = reader.rows("select count(*) from items_v1 where status = 'MIGRATED'")
        statuses = sandbox.app.traffic.by_status
        return Measured(
            machines=machines, seconds=seconds, calls=statuses.total(), refused=statuses[429], migrated=migrated
        )


def _run(
    sandbox: Sandbox, folder: Path, verb: str, index: Path, way: Forwarder | None = None
) -> subprocess.Popen[bytes]:
    facts = sandbox.facts
    if facts is None:
        raise RuntimeError("the sandbox was started without its project")
    variables = sandbox.environment() | {
        "HOME": str(folder),
        "SYNAPSE_STATE_FOLDER": str(folder / f"state-{index.stem}"),
    }
    if way is None:
        variables["SYNAPSE_CALLS_PER_MINUTE"] = "60000"
    else:
        here, there = f":{_port(sandbox)}/", f":{way.port}/"
        variables |= {key: value.replace(here, there) for key, value in variables.items() if key.endswith("_ENDPOINT")}
    words = [verb, facts.root_id, str(facts.destination_id), str(index), "--file-version-strategy", "latest"]
    force = ["--force"] if verb == "migrate" else []
    return subprocess.Popen(
        [*COMMAND, *words, *force], env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=folder
    )


def _port(sandbox: Sandbox) -> int:
    return int(sandbox.url.rsplit(":", 1)[1])


def main() -> None:
    """Measure and print the table, as Markdown."""
    files = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    print("| Machines | Seconds | Speed-up | per machine | Synapse calls | of these refused (429) | Places migrated |")
    print("|---|---|---|---|---|---|---|")
    alone = 0.0
    for machines in MACHINES:
        found = measure(machines, files)
        alone = alone or found.seconds
        speed_up = alone / found.seconds
        print(
            f"| {machines} | {found.seconds:.1f} | {speed_up:.2f} | {speed_up / machines:.2f} | {found.calls:,} | "
            f"{found.refused} | {found.migrated} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
