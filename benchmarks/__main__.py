"""`python -m benchmarks [NAME ...]`: measure, print markdown, keep everything measured in a JSON file."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from benchmarks import BENCHMARKS
from benchmarks.contest import end_contestants
from benchmarks.keeping import RESULTS, keep
from benchmarks.registry import Wishes


def parser() -> argparse.ArgumentParser:
    """The command line."""
    told = "\n".join(f"  {one.name:15} {one.purpose}" for one in BENCHMARKS.values())
    made = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"Measure us and the existing client side by side, in the sandbox.\n\n{told}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("names", nargs="*", metavar="NAME", type=_known, help="which ones; all by default")
    made.add_argument("--runs", type=int, default=3, help="how often each is run; medians are told (3)")
    made.add_argument("--quick", action="store_true", help="small sizes, one run: shows that it works")
    made.add_argument("--size", type=int, help="items of each contest, instead of its own number")
    made.add_argument(
        "--window",
        type=float,
        default=12.0,
        metavar="SECONDS",
        help="length of the throttle's window, for both sides; 60 is the service's own (12)",
    )
    made.add_argument(
        "--times-faster",
        type=float,
        metavar="N",
        help="the sandbox answers, copies and counts calls N times faster than real, for both sides alike",
    )
    made.add_argument(
        "--one-budget",
        action="store_true",
        help="count all HTTP sessions of a user together, as the throttle is meant; without it each has its own budget",
    )
    made.add_argument(
        "--without", action="append", default=[], metavar="CONTESTANT", help="leave a contestant out; may be repeated"
    )
    made.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER", help="where the JSON file goes")
    return made


def _known(name: str) -> str:
    if name not in BENCHMARKS:
        raise argparse.ArgumentTypeError(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    return name


def wishes_of(arguments: argparse.Namespace) -> Wishes:
    """What was asked for; a quick look is a single run."""
    return Wishes(
        runs=1 if arguments.quick else max(1, arguments.runs),
        is_quick=arguments.quick,
        size=arguments.size,
        window_seconds=arguments.window,
        times_faster=arguments.times_faster,
        has_one_budget=arguments.one_budget,
        without=tuple(arguments.without),
    )


def main(words: Sequence[str] | None = None) -> None:
    """Run the benchmarks asked for, one after the other; each one's tables are printed when it is done."""
    arguments = parser().parse_args(words)
    wishes = wishes_of(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ended)
    began = datetime.now(UTC)
    names = arguments.names or list(BENCHMARKS)
    path = arguments.results / f"{began:%Y-%m-%d-%H%M%S}-{names[0] if len(names) == 1 else 'several'}.json"
    reports = []
    for name in names:
        report = BENCHMARKS[name].run(wishes)
        reports.append(report)
        print(f"## {name}\n\n{BENCHMARKS[name].purpose}\n")
        print("\n\n".join(table.markdown() for table in report.tables), end="\n\n", flush=True)
        keep(path, began, wishes, reports)
        print(f"kept in {path}", file=sys.stderr)


def _ended(number: int, _frame: FrameType | None) -> None:
    """Whoever ends a benchmark ends its contestants: they would go on asking a service that is gone."""
    end_contestants()
    os._exit(128 + number)


if __name__ == "__main__":
    main()
