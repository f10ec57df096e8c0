"""How a contest's measurements become tables."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median

from benchmarks.contest import Contest, Measurement
from benchmarks.contestants import OURS, is_ours
from benchmarks.registry import Report, Table

Starts = Mapping[str, Measurement]

_NONE = ""
_ENOUGH_FOR_A_TABLE = 0.005


def report_of(name: str, contest: Contest, found: Sequence[Measurement]) -> Report:
    """The report of a contest; *found* holds the runs with a single item, too."""
    starts = {one.contestant: one for one in found if one.run == 0}
    held = [one for one in found if one.run > 0]
    return Report(
        benchmark=name,
        tables=(_summary(contest, held, starts), _calls(contest, held)),
        raw={
            "items": contest.items,
            "latencySeconds": contest.latency_seconds,
            "windowSeconds": contest.question.window_seconds,
            "oneBudget": contest.question.has_one_budget,
            "callsPerWindow": contest.question.calls_per_window,
            "copyBytesPerSecond": contest.copy_bytes_per_second,
            "measurements": [asdict(one) for one in found],
        },
    )


def _summary(contest: Contest, found: Sequence[Measurement], starts: Starts) -> Table:
    question = contest.question
    return Table(
        heading=f"{contest.items:,} {contest.item}s, strategy `{question.strategy}`",
        columns=(
            "",
            "end state",
            "seconds (all runs)",
            f"calls per {contest.item}",
            "calls per second",
            "429s",
            f"CPU ms per {contest.item}",
            "CPU s to start",
            "peak MiB",
            *(heading for name in _ours(found) for heading in _ratio_headings(name)),
        ),
        rows=tuple(_row(contest, one, found, starts) for one in _names(found)),
        remarks=(
            (
                f"Throttle: 3 in flight, {question.calls_per_window} calls in {question.window_seconds:g} s; "
                f"{'one budget per user' if question.has_one_budget else 'a budget per HTTP session'}; "
                f"{contest.latency_seconds * 1000:g} ms per call; {_copying(contest)}."
            ),
            *dict.fromkeys(
                f"{one.contestant}: {one.ending}; {one.wrong} violations of the end state"
                + (f", such as: {one.first_wrong[0]}" if one.first_wrong else "")
                for one in found
                if not one.is_result
            ),
        ),
    )


def _row(contest: Contest, name: str, found: Sequence[Measurement], starts: Starts) -> tuple[str, ...]:
    runs = [one for one in found if one.contestant == name]
    seconds, calls = median(one.wall_seconds for one in runs), median(one.calls for one in runs)
    starting = starts[name].cpu_seconds
    return (
        name,
        _verdict(runs),
        f"{seconds:.1f} ({', '.join(f'{one.wall_seconds:.1f}' for one in runs)})",
        f"{calls / contest.items:.2f}",
        f"{calls / seconds:.1f}",
        f"{median(one.throttled for one in runs):.0f}",
        f"{1000 * (median(one.cpu_seconds for one in runs) - starting) / max(1, contest.items - 1):.1f}",
        f"{starting:.1f}",
        f"{median(one.peak_mib for one in runs):.0f}",
        *(
            ratio
            for our_name in _ours(found)
            for ratio in _ratios(runs, [one for one in found if one.contestant == our_name])
        ),
    )


def _ratio_headings(name: str) -> tuple[str, str]:
    way = name.removeprefix(OURS).removeprefix(", ")
    which = f" ({way})" if way else ""
    return (f"our calls{which} : theirs", f"our time{which} : theirs")


def _ratios(runs: Sequence[Measurement], ours: Sequence[Measurement]) -> tuple[str, str]:
    """Of calls and of time; nothing where one of the two is one of ours, or not right in every run."""
    if is_ours(runs[0].contestant) or not all(one.is_result for one in (*runs, *ours)):
        return (_NONE, _NONE)
    calls = median(one.calls for one in runs) / median(one.calls for one in ours)
    seconds = median(one.wall_seconds for one in runs) / median(one.wall_seconds for one in ours)
    return (f"1 : {calls:.2f}", f"1 : {seconds:.2f}")


def _verdict(runs: Sequence[Measurement]) -> str:
    good = sum(one.is_result for one in runs)
    if good == len(runs):
        return "right"
    bad = next(one for one in runs if not one.is_result)
    what = "WRONG" if bad.ending == "done" else bad.ending.partition(":")[0]
    return what if good == 0 else f"{what} in {len(runs) - good} of {len(runs)} runs"


def _calls(contest: Contest, found: Sequence[Measurement]) -> Table:
    names = _names(found)
    counts = {name: _median_calls([one for one in found if one.contestant == name]) for name in names}
    calls = sorted({call for by_call in counts.values() for call in by_call})
    shown = [
        call
        for call in calls
        if max(by_call.get(call, 0) for by_call in counts.values()) / contest.items > _ENOUGH_FOR_A_TABLE
    ]
    return Table(
        heading=f"Calls per {contest.item} by endpoint, refused ones included",
        columns=("call", *names),
        rows=tuple(
            (f"`{call}`", *(f"{counts[name].get(call, 0) / contest.items:.2f}" for name in names)) for call in shown
        ),
    )


def _median_calls(runs: Sequence[Measurement]) -> dict[str, float]:
    calls = {call for one in runs for call in one.by_call}
    return {call: median(one.by_call.get(call, 0) for one in runs) for call in calls}


def _ours(found: Sequence[Measurement]) -> list[str]:
    return [name for name in _names(found) if is_ours(name)]


def _names(found: Sequence[Measurement]) -> list[str]:
    return list(dict.fromkeys(one.contestant for one in found))


def _copying(contest: Contest) -> str:
    speed = contest.copy_bytes_per_second
    return "copies inside S3 take no time" if speed is None else f"each part copy runs at {speed / 1e6:g} MB/s"
