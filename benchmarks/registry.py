"""What a benchmark is, and what it hands back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was asked for on the command line.

    Attributes:
        runs: how often each contest is held; medians are told.
        is_quick: sizes that show that it works, too small to quote.
        size: items of each contest, instead of its own number.
        window_seconds: length of the throttle's window, as the clock runs here.
        times_faster: how much faster than real everything is that the sandbox does, its throttle included; None for
            a benchmark's own choice.
        without: contestants that are left out.
        has_one_budget: whether the throttle counts all sessions of a user together.
    """

    runs: int = 3
    is_quick: bool = False
    size: int | None = None
    window_seconds: float = 12.0
    times_faster: float | None = None
    has_one_budget: bool = False
    without: tuple[str, ...] = ()

    def items(self, usual: int, quick: int) -> int:
        """How many items a contest is about."""
        return self.size or (quick if self.is_quick else usual)

    def pace(self, usual: float = 1.0) -> float:
        """How much faster than real the sandbox is."""
        return self.times_faster or usual


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of a report: a heading, a row of column names, rows."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...] = ()

    def markdown(self) -> str:
        """The table as markdown; the first column is text, the others are figures."""
        lines = [
            f"### {self.heading}",
            "",
            _line(self.columns),
            _line(["---", *["---:"] * (len(self.columns) - 1)]),
            *(_line(row) for row in self.rows),
        ]
        if self.remarks:
            lines += ["", *(f"- {remark}" for remark in self.remarks)]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one benchmark found. `raw` holds every single measurement, for the file."""

    benchmark: str
    tables: tuple[Table, ...]
    raw: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Everything, for the file."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One thing that is measured; *purpose* is one sentence."""

    name: str
    purpose: str
    run: Callable[[Wishes], Report]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
