"""`python -m benchmarks.page`: writes what `results/` holds into docs/benchmarks.md and its picture.

The page keeps its own words; figures stand between two comments, `<!-- results: KEY -->` and `<!-- end -->`, and nobody
writes there by hand.
"""

import re
import sys
from collections.abc import Callable, Mapping
from statistics import median

from benchmarks.budget import budget_table, in_longest_windows
from benchmarks.contestants import OURS, ROOT, is_ours
from benchmarks.goals import CELLS, FILES, LARGE, MIXED, VERSIONS, goals_table
from benchmarks.keeping import RESULTS
from benchmarks.kept import Held, Kept, Side, read_kept
from benchmarks.picture import Shown, picture
from benchmarks.registry import Table
from benchmarks.scale import latest_sizes, scale_table
from benchmarks.selection import operations_table

PAGE = ROOT / "docs" / "benchmarks.md"
PICTURE = ROOT / "docs" / "images" / "benchmarks.svg"

SHOWN = (
    Shown(benchmark="small-new", items=FILES, title="1,000 small files, a new version each"),
    Shown(benchmark="small-latest", items=FILES, title="1,000 small files, changed in place"),
    Shown(benchmark="cells-distinct", items=CELLS, title="5,000 table cells, a file each"),
    Shown(benchmark="cells-shared", items=CELLS, title="5,000 table cells that share 50 files"),
    Shown(benchmark="versions", items=VERSIONS, title="100 files of three versions"),
    Shown(benchmark="mixed", items=MIXED, title="500 places of every kind"),
    Shown(benchmark="large-files", items=LARGE, title="20 files of 30 GB"),
)

_CALLS = "calls-of-"
_WORTH_A_ROW = 0.02
_BLOCK = re.compile(r"(<!-- results: ([\w-]+)(?: (\d+))? -->\n).*?(<!-- end -->)", re.DOTALL)


class UnknownBlockError(Exception):
    """The page asks for results that are not kept."""


def page_of(text: str, kept: Kept) -> str:
    """The page with every block filled in anew. Raises UnknownBlockError for one that nothing is kept for."""

    def filled(found: re.Match[str]) -> str:
        return f"{found.group(1)}\n{_block(kept, found.group(2), int(found.group(3) or 0))}\n\n{found.group(4)}"

    return _BLOCK.sub(filled, text)


def _block(kept: Kept, name: str, items: int) -> str:
    if name in _TABLES:
        return _without_heading(_TABLES[name](kept))
    benchmark = name.removeprefix(_CALLS)
    held = kept.contest(benchmark, items)
    if held is None:
        raise UnknownBlockError(f"No results of {benchmark} with {items} items are kept in {RESULTS}.")
    return contest_table(held).markdown() if benchmark == name else _without_heading(calls_table(held))


def calls_table(held: Held) -> Table:
    """What every side asks for, per item; calls that hardly anybody makes are left out."""
    sides = [side for side in held.sides if side.is_right]
    items = held.circumstances.items
    calls = sorted({call for side in sides for run in side.runs for call in run.by_call})
    shown = [call for call in calls if max(side.calls_of(call) for side in sides) / items >= _WORTH_A_ROW]
    return Table(
        heading=f"Calls per {held.circumstances.item}",
        columns=("call", *(side.name for side in sides)),
        rows=tuple((f"`{call}`", *(f"{side.calls_of(call) / items:.2f}" for side in sides)) for call in shown),
    )


def contest_table(held: Held) -> Table:
    """One contest: medians, and the span of all runs in brackets."""
    about, item = held.circumstances, held.circumstances.item
    return Table(
        heading=f"`{about.benchmark}`, {about.heading}",
        columns=(
            "",
            "end state",
            "runs",
            "seconds",
            f"calls per {item}",
            "429s",
            f"CPU ms per {item}",
            "peak MiB",
            *(f"times {_way(side.name)}" for side in held.ours),
        ),
        rows=tuple(_row(held, side) for side in held.sides),
        remarks=(
            (
                f"{about.calls_per_window} calls in {about.window_seconds:g} s, 3 in flight, "
                f"{'one budget per user' if about.has_one_budget else 'a budget per HTTP session'}, "
                f"{about.latency_seconds * 1000:g} ms per call{_pace(held)}. Measured on {', '.join(held.days)}."
            ),
        ),
    )


def _row(held: Held, side: Side) -> tuple[str, ...]:
    items = held.circumstances.items
    wall = [run.wall_seconds for run in side.runs]
    span = f" ({min(wall):.1f} to {max(wall):.1f})" if len(wall) > 1 else ""
    cpu = median(run.cpu_seconds for run in side.runs) - side.start_cpu_seconds
    figures = (
        f"{side.seconds:.1f}{span}",
        f"{side.calls / items:.3f}",
        f"{median(run.throttled for run in side.runs):,.0f}",
        f"{1000 * cpu / max(1, items - 1):.1f}",
        f"{median(run.peak_mib for run in side.runs):.0f}",
    )
    bad = next((run.ending for run in side.runs if not run.is_right), None)
    ratios = tuple(_ratio(side, ours) for ours in held.ours)
    if side.is_unfinished:
        return (side.name, bad or "", str(len(side.runs)), f"over {figures[0]}", *[""] * (len(figures) - 1), *ratios)
    if bad is not None:
        verdict = "wrong" if bad == "done" else bad.partition(":")[0]
        return (side.name, verdict, str(len(side.runs)), *[""] * len(figures), *ratios)
    return (side.name, "right", str(len(side.runs)), *figures, *ratios)


def _ratio(side: Side, ours: Side) -> str:
    """How many times as long a side takes that is not ours; at least, where nobody has waited for its end."""
    if is_ours(side.name) or not ours.is_right or not (side.is_right or side.is_unfinished):
        return ""
    return f"{'≥ ' * side.is_unfinished}{side.seconds / ours.seconds:.2f}"


def _way(name: str) -> str:
    return f"ours{name.removeprefix(OURS)}"


def _pace(held: Held) -> str:
    about = held.circumstances
    speed = about.copy_bytes_per_second
    copying = f", {speed / about.pace / 1e6:g} MB/s per part that S3 copies" if speed else ""
    return f"{copying}; all of it {about.pace:g} times faster than real" if about.pace != 1 else copying


def _without_heading(table: Table) -> str:
    return table.markdown().partition("\n\n")[2]


def _operations(kept: Kept) -> Table:
    found = kept.other("selection")
    if not found:
        raise UnknownBlockError(f"No results of selection are kept in {RESULTS}.")
    return operations_table(found[-1])


def _budget(kept: Kept) -> Table:
    runs = in_longest_windows(kept.other("budget"))
    if not runs:
        raise UnknownBlockError(f"No results of budget are kept in {RESULTS}.")
    return budget_table(runs)


def _scale(kept: Kept) -> Table:
    found = latest_sizes(kept.other("scale"))
    if not found:
        raise UnknownBlockError(f"No results of scale are kept in {RESULTS}.")
    return scale_table(found)


_TABLES: Mapping[str, Callable[[Kept], Table]] = {
    "goals": goals_table,
    "selection": _operations,
    "budget": _budget,
    "scale": _scale,
}


def main() -> None:
    """Write both, or with `--check` end with 1 when they are not what the results say."""
    kept = read_kept(RESULTS)
    written = ((PAGE, page_of(PAGE.read_text(encoding="utf-8"), kept)), (PICTURE, picture(kept, SHOWN)))
    if sys.argv[1:] == ["--check"]:
        stale = [path for path, text in written if path.read_text(encoding="utf-8") != text]
        sys.exit(f"not as the results say: {', '.join(path.name for path in stale)}" if stale else 0)
    for path, text in written:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
