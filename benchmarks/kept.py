"""Reads the dated files in `results/`: runs of one contest under the same circumstances belong together."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.contest import NOT_DONE
from benchmarks.contestants import CALLS_PER_SECOND, is_ours

COPY_CALLS = (
    "POST /file/multipart",
    "POST /file/multipart/#/presigned/url/batch",
    "PUT /file/multipart/#/add/#",
    "PUT /file/multipart/#/complete",
    "POST /externalfilehandle/s3",
)
"""What copying asks of Synapse; the time before is indexing and planning, the time after is for repointing."""

_HEADING = re.compile(r"[\d,]+ (\w+)s\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one contestant; seconds from its start; *by_call* with refused ones. See `contest.Measurement`."""

    is_right: bool
    ending: str
    wall_seconds: float
    cpu_seconds: float
    peak_mib: float
    calls: int
    throttled: int
    by_call: Mapping[str, int]
    first_answer: float
    copying: tuple[float, float] | None

    @property
    def is_unfinished(self) -> bool:
        """Whether it was ended because it took too long."""
        return self.ending.startswith(NOT_DONE)

    @property
    def seconds_indexing(self) -> float:
        """From the first answer to the first one about a copy, or to the end where nothing is copied."""
        return (self.wall_seconds if self.copying is None else self.copying[0]) - self.first_answer

    @property
    def seconds_after_copies(self) -> float:
        """From the last answer about a copy to the end of the process."""
        return 0.0 if self.copying is None else self.wall_seconds - self.copying[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A contestant's runs, and what a run with one item takes it.

    Runs that were ended because they took too long count only where no other was kept: it takes at least so long.
    """

    name: str
    kept: tuple[Run, ...]
    start_cpu_seconds: float

    @property
    def runs(self) -> tuple[Run, ...]:
        """Those that count."""
        return tuple(run for run in self.kept if not run.is_unfinished) or self.kept

    @property
    def is_unfinished(self) -> bool:
        """Whether it takes longer than anybody has waited."""
        return all(run.is_unfinished for run in self.kept)

    @property
    def is_right(self) -> bool:
        """Whether every run ended well and with the right end state."""
        return all(run.is_right for run in self.runs)

    @property
    def seconds(self) -> float:
        """The median from start to end."""
        return median(run.wall_seconds for run in self.runs)

    @property
    def calls(self) -> float:
        """The median of the answered calls."""
        return median(run.calls for run in self.runs)

    def calls_of(self, call: str) -> float:
        """The median of how often it was called, refused ones included."""
        return median(run.by_call.get(call, 0) for run in self.runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What has to be the same for runs to be compared. *pace* is how much faster than real the sandbox was."""

    benchmark: str
    heading: str
    items: int
    window_seconds: float
    calls_per_window: int
    has_one_budget: bool
    latency_seconds: float
    copy_bytes_per_second: float | None

    @property
    def pace(self) -> float:
        """How much faster than real the throttle was."""
        return self.calls_per_window / self.window_seconds / CALLS_PER_SECOND

    @property
    def item(self) -> str:
        """What is counted: file, version, cell."""
        found = _HEADING.match(self.heading)
        return found.group(1) if found else "item"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A contest with all its kept runs. *commits* and *days* are those of the files they come from."""

    circumstances: Circumstances
    sides: tuple[Side, ...]
    commits: tuple[str, ...]
    days: tuple[str, ...]

    def side(self, name: str) -> Side | None:
        """Whoever has this name, if it took part."""
        return next((side for side in self.sides if side.name == name), None)

    @property
    def rivals(self) -> tuple[Side, ...]:
        """Those who are not us and were right every time, or are so slow; whoever is wrong has no time."""
        found = tuple(side for side in self.sides if not is_ours(side.name))
        return tuple(side for side in found if side.is_right or side.is_unfinished)

    @property
    def ours(self) -> tuple[Side, ...]:
        """Our ways."""
        return tuple(side for side in self.sides if is_ours(side.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Everything in a folder of results: contests, and the raw figures of what is no contest, latest last."""

    contests: tuple[Held, ...]
    others: tuple[tuple[str, Any], ...]

    def contest(self, benchmark: str, items: int) -> Held | None:
        """The contest about so many items; of several the one nearest to real time, of those the one with most runs."""
        found = [one for one in self.contests if one.circumstances.benchmark == benchmark]
        fitting = [one for one in found if one.circumstances.items == items]
        return min(
            fitting,
            key=lambda one: (one.circumstances.pace, -max(len(side.runs) for side in one.sides)),
            default=None,
        )

    def other(self, benchmark: str) -> Sequence[Any]:
        """The raw figures of every kept run of a benchmark that is no contest."""
        return [raw for name, raw in self.others if name == benchmark]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """One contest of one file."""

    circumstances: Circumstances
    commit: str
    day: str
    measurements: tuple[Any, ...]


def read_kept(folder: Path) -> Kept:
    """All result files of a folder. Raises ValueError for a file that is none."""
    pieces: list[_Piece] = []
    others: list[tuple[str, Any]] = []
    for path in sorted(folder.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        if "reports" not in document:
            raise ValueError(f"{path} holds no results of a benchmark")
        for report in document["reports"]:
            # a contest tells the throttle that it was held under; whatever else is measured has none
            if "callsPerWindow" in report["raw"]:
                pieces.append(_piece(document, report))
            else:
                others.append((report["benchmark"], report["raw"] | _told_once(document)))
    every = dict.fromkeys(piece.circumstances for piece in pieces)
    contests = tuple(_held(one, [piece for piece in pieces if piece.circumstances == one]) for one in every)
    return Kept(contests=contests, others=tuple(others))


def _told_once(document: Any) -> dict[str, Any]:
    """What a file says of all that is in it."""
    return {"windowSeconds": document.get("windowSeconds"), "day": document["began"][:10]}


def _piece(document: Any, report: Any) -> _Piece:
    raw = report["raw"]
    circumstances = Circumstances(
        benchmark=report["benchmark"],
        heading=report["tables"][0]["heading"],
        items=raw["items"],
        window_seconds=raw["windowSeconds"],
        calls_per_window=raw["callsPerWindow"],
        has_one_budget=raw["oneBudget"],
        latency_seconds=raw["latencySeconds"],
        copy_bytes_per_second=raw["copyBytesPerSecond"],
    )
    return _Piece(
        circumstances=circumstances,
        commit=document.get("commit", ""),
        day=document["began"][:10],
        measurements=tuple(raw["measurements"]),
    )


def _held(circumstances: Circumstances, pieces: Sequence[_Piece]) -> Held:
    measurements = [one for piece in pieces for one in piece.measurements]
    names = dict.fromkeys(one["contestant"] for one in measurements)
    return Held(
        circumstances=circumstances,
        sides=tuple(_side(name, [one for one in measurements if one["contestant"] == name]) for name in names),
        commits=_distinct(piece.commit for piece in pieces),
        days=_distinct(piece.day for piece in pieces),
    )


def _side(name: str, measurements: Sequence[Any]) -> Side:
    return Side(
        name=name,
        kept=tuple(_run(one) for one in measurements if one["run"] > 0),
        start_cpu_seconds=median(one["cpu_seconds"] for one in measurements if one["run"] == 0),
    )


def _run(found: Any) -> Run:
    spans = [found["spans"][call] for call in COPY_CALLS if call in found["spans"]]
    return Run(
        is_right=found["ending"] == "done" and found["wrong"] == 0,
        ending=found["ending"],
        wall_seconds=found["wall_seconds"],
        cpu_seconds=found["cpu_seconds"],
        peak_mib=found["peak_mib"],
        calls=found["calls"],
        throttled=found["throttled"],
        by_call=found["by_call"],
        first_answer=min((first for first, _ in found["spans"].values()), default=0.0),
        copying=(min(first for first, _ in spans), max(last for _, last in spans)) if spans else None,
    )


def _distinct(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in words if word))
