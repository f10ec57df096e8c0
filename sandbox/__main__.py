"""Runs a sandbox in the foreground: ``python -m sandbox --port 8080 --scenario NAME``."""

import argparse
import signal
import sys
import threading

from sandbox.scenarios import SCENARIOS
from sandbox.server import Sandbox, SandboxOptions


def _options(arguments: list[str] | None) -> SandboxOptions:
    parser = argparse.ArgumentParser(prog="sandbox", description="A local Synapse and S3 to try anything on.")
    parser.add_argument("--port", type=int, default=8080, help="of the Synapse half; 0 for a free one")
    parser.add_argument("--s3-port", type=int, default=0, help="of the S3 half; a free one by default")
    parser.add_argument("--scenario", choices=sorted(SCENARIOS), help="what to fill it with; bare by default")
    parser.add_argument("--size", type=int, default=None, help="how many files the scenario makes")
    parser.add_argument("--seed", type=int, default=0, help="makes ids, etags and contents reproducible")
    parser.add_argument("--no-throttle", action="store_true", help="lift the limits of 3 in flight and 600 a minute")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds every Synapse call takes at least")
    parser.add_argument("--wait-scale", type=float, default=1.0, help="simulated waits are multiplied by it")
    given = parser.parse_args(arguments)
    return SandboxOptions(
        scenario=given.scenario,
        size=given.size,
        seed=given.seed,
        port=given.port,
        s3_port=given.s3_port,
        is_throttled=not given.no_throttle,
        wait_scale=given.wait_scale,
        latency_seconds=given.latency,
    )


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; prints the exports that point a client at the sandbox. 1 when a port is taken."""
    sandbox = Sandbox(_options(arguments))
    try:
        sandbox.start()
    except OSError as error:
        sys.stderr.write(f"The sandbox cannot listen: {error}. Choose another port with --port.\n")
        return 1
    finished = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: finished.set())
    for name, value in sandbox.environment().items():
        sys.stdout.write(f"export {name}={value}\n")
    sys.stdout.flush()
    sys.stderr.write(f"Sandbox listening on {sandbox.url} (Synapse) and {sandbox.s3_url} (S3). Stop it with Ctrl-C.\n")
    if sandbox.facts is not None:
        sys.stderr.write(
            f"Scenario {sandbox.facts.name}: the project is {sandbox.facts.root_id}, "
            f"the new location {sandbox.facts.destination_id}.\n"
        )
    else:
        sys.stderr.write("It is empty; --scenario demo fills it with a project and a location to migrate to.\n")
    finished.wait()
    sandbox.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
