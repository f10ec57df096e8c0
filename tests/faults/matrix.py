"""Every call of a migration times everything that may go wrong with it, generated; and one cell carried out."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sandbox.faults import FaultKind, FaultRule
from sandbox.scenarios.facts import ScenarioFacts
from sandbox.synapse.world import World
from tests.crash.books import disagreements
from tests.crash.lab import Case, Ended, Lab, Point, index_violations
from tests.crash.small_project import build_files_for_a_view, build_small_project
from tests.crash.spare_records import without_spare_records
from tests.faults.effects import OWN_KEYS, SLOW_SECONDS, Cure, Effect, all_effects, is_own, is_s3, lift
from tests.faults.weather import SAID_WHEN_REFUSED

_HASTE: dict[str, Any] = {"wait_scale": 0.002, "patience": {"busy_seconds": 60.0, "reconnect_seconds": 30.0}}
_INCOMPLETE = re.compile(
    r"still refers to its old handle|0 versions were added|is an orphan|objects were made for|frozen as \[\] instead of"
    r"|^syn\d+ is new"  # a temporary view, which the next command deletes
)
"""What may be said of a migration that has not come to its end; anything else is wrong at any time."""
_OWN_ADDRESSES = {
    "part": "partNumber=",
    "upload": r"^(?!.*partNumber=).*[?&]upload",
    "object": r"^/(?!repo/|file/|auth/|sandbox/)[^/?]+/[^?]+(\?(?!.*(upload|partNumber))|$)",
    "bucket": r"^/[^/?]+/?(\?|$)",
}
_LEFT_OVER = re.compile(r"is an orphan|objects were made for")
_SIGNS = {Cure.NONE: ".", Cure.RESUME: "s", Cure.RETRY: "r", Cure.RETRY_ALL: "a"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A migration that makes certain calls.

    Attributes:
        build: another project than the small one.
        afterwards: a command on the index that must clear away what a fault may have left.
        is_long: its cells are carried out in the long run only.
    """

    name: str
    strategy: str
    words: tuple[str, ...] = ()
    opaque: bool = False
    has_tables: bool = False
    build: Callable[[World], ScenarioFacts] | None = None
    afterwards: tuple[str, ...] = ()
    is_long: bool = False


WAYS = (
    Way(name="all", strategy="all"),
    Way(name="new", strategy="new"),
    Way(name="tables", strategy="latest", has_tables=True),
    Way(name="reading", strategy="latest", words=("--proof", "strict"), opaque=True),
    Way(name="own keys", strategy="latest", words=("--engine", "s3"), is_long=True),
    Way(
        name="view",
        strategy="latest",
        words=("--index-via", "view", "--engine", "synapse"),
        build=build_files_for_a_view,
        afterwards=("plan",),
        is_long=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One call, one effect, and the migration in which they meet.

    Attributes:
        skip: so many calls of the kind pass unharmed, so that a lasting fault finds a migration under way.
    """

    call: str
    effect: Effect
    way: Way
    skip: int

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.call} with {self.effect.name} ({self.way.name})"


@dataclass(slots=True)
class Results:
    """What the cells came to."""

    cures: dict[tuple[str, str], str] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    unmet: list[str] = field(default_factory=list)

    def told(self) -> str:
        """The matrix as a table: a row per effect, a column per call."""
        calls = sorted({call for call, _ in self.cures})
        effects = [effect.name for effect in all_effects() if any(name == effect.name for _, name in self.cures)]
        lines = [f"{number:>3} {call}" for number, call in enumerate(calls, start=1)]
        lines.append(" " * 24 + "".join(f"{number:>3}" for number in range(1, len(calls) + 1)))
        lines += [
            f"{name:<24}" + "".join(f"{self.cures.get((call, name), ' '):>3}" for call in calls) for name in effects
        ]
        lines.append(". rode it out  s the same command resumed  r after `retry`  a after `retry all`  X violation")
        lines.append(f"{len(self.cures)} cells, {len(self.violations)} violations, {len(self.unmet)} never met")
        return "\n".join([*lines, *left_out(calls)])


def calls_of(points: Iterable[Point]) -> Counter[str]:
    """The kinds of calls among the boundaries of a run, as they were first met, with how often they are made."""
    calls = (label.removeprefix("before ") for label, _ in points if label.startswith("before "))
    return Counter(call for call in calls if re.match(r"(S3|own keys|GET|PUT|POST|DELETE) ", call))


def all_cells(lab: Lab, ways: Sequence[Way] = WAYS) -> list[Cell]:
    """The whole matrix of these ways: each call in the first that makes it, with every effect that applies to it."""
    met: dict[str, tuple[Way, int]] = {}
    for way in ways:
        case = fresh(lab, way)
        ended = lab.run(case.words)
        assert ended.code == 0, ended.said
        assert [] == _judged(case, lab.state()), "the migration is wrong without any fault"
        for call, count in calls_of(ended.points).items():
            met.setdefault(call, (way, count))
    return [
        Cell(call=call, effect=effect, way=way, skip=1 if effect.lasts and count > 1 else 0)
        for call, (way, count) in met.items()
        for effect in all_effects()
        if effect.applies.takes(call)
    ]


def left_out(calls: Sequence[str]) -> list[str]:
    """The cells that the matrix does not have, each with its reason; an effect and a reason per line."""
    lines = []
    for effect in all_effects():
        others = [call for call in calls if not effect.applies.takes(call)]
        if others:
            lines.append(f"left out: {effect.name} with {len(others)} of {len(calls)} calls: {effect.applies.others}")
    return lines


def share_of_today(cells: Sequence[Cell], shares: int) -> list[Cell]:
    """A share of the cells, another one every day, in an order that changes from day to day, too."""
    today = datetime.now(UTC).toordinal()
    due = list(cells)
    random.Random("matrix").shuffle(due)
    due = due[today % shares :: shares]
    random.Random(today).shuffle(due)
    return due


def fresh(lab: Lab, way: Way, effect: Effect | None = None) -> Case:
    """A case of this way.

    Where bytes are spoilt there is no file of several parts: its proof is that S3 copied every range, which is not
    about bytes (docs/proof.md, `structural`). Its length is proven, but not here.
    """
    spoils = effect is not None and effect.discards
    with_large = not (way.opaque or way.has_tables or spoils)
    lab.build = way.build or partial(build_small_project, with_large=with_large, with_tables=way.has_tables)
    case = lab.fresh(way.strategy, *way.words)
    if way.opaque:
        lab.sandbox.world.objects.bucket(case.facts.destination_bucket).has_opaque_etags = True
    return case


def try_cell(lab: Lab, cell: Cell, results: Results) -> None:
    """Migrate under the fault; lift it; make whole; compare."""
    effect = cell.effect
    case = fresh(lab, cell.way, effect)
    words = (*case.words, "--continue-on-error") if effect.lasts else case.words
    rule = _rule_for(cell)
    lab.sandbox.faults.rules.extend([rule] if rule else [])
    jobs = lab.sandbox.world.jobs
    if effect.job is not None:
        effect.job.plant(jobs, cell.call)
    lab.sandbox.clock.wait_scale = 1 if effect.is_slow else 0
    first = lab.run(words, weather=_weather_for(cell))
    lab.settle(SLOW_SECONDS if effect.is_slow and is_s3(cell.call) else 0)
    struck = rule.struck > 0 if rule is not None else SAID_WHEN_REFUSED in first.said or jobs.struck > 0
    lab.sandbox.faults.clear()
    lift(jobs)
    lab.sandbox.clock.wait_scale = 0
    wrong = [] if first.code in effect.allowed_codes(cell.call) else [f"exit code {first.code}: {first.said[-600:]}"]
    wrong += _wrong_at_any_time(case, lab.state(), effect, cell.call)
    cure = _made_whole(lab, case, words, first)
    if cell.way.afterwards:
        lab.run((*cell.way.afterwards, str(case.index)))
    if cure > effect.worst_cure(cell.call):
        wrong.append(f"needed {cure.name}, which is too much: {first.said[-600:]}")
    wrong += _in_the_end(lab, case, effect, cell.call)
    if not struck:
        results.unmet.append(cell.name)
    results.cures[cell.call, effect.name] = "X" if wrong else _SIGNS[cure]
    results.violations += [f"{cell.name}: {one}" for one in wrong]


def _made_whole(lab: Lab, case: Case, words: Sequence[str], first: Ended) -> Cure:
    """The least that makes the migration complete now that the fault is gone."""
    if first.code == 0:
        return Cure.NONE
    for cure, more in ((Cure.RESUME, None), (Cure.RETRY, "retryable"), (Cure.RETRY_ALL, "all")):
        if more is not None:
            lab.run(("retry", str(case.index), more))
        if lab.run(words).code == 0:
            return cure
    return Cure.RETRY_ALL


def _wrong_at_any_time(case: Case, state: Any, effect: Effect, call: str) -> list[str]:
    """What may not be even while the migration is incomplete: least of all a table changed before it was frozen."""
    wrong = [one for one in case.expected.violations(state) if not _INCOMPLETE.search(one)]
    wrong += [
        f"{table_id} was changed before it was frozen"
        for table_id, before in case.expected.before["tables"].items()
        if state["tables"][table_id]["rows"] != before["rows"]
        and state["tables"][table_id]["snapshots"].keys() == before["snapshots"].keys()
    ]
    return _without_known(wrong, effect, call)


def _in_the_end(lab: Lab, case: Case, effect: Effect, call: str) -> list[str]:
    if not case.index.exists():
        return ["there is no index"]
    return _without_known(_judged(case, lab.state()), effect, call)


def _judged(case: Case, state: Any) -> list[str]:
    """Everything that is not as it must be after a complete migration."""
    return [
        *without_spare_records(case.expected.violations(state), case.expected, state, case.index),
        *index_violations(case, state),
        *disagreements(case.index, case.expected),
    ]


def _without_known(wrong: Sequence[str], effect: Effect, call: str) -> list[str]:
    """Leave out what this effect may rightly leave behind."""
    may_discard = effect.may_discard(call)
    return [one for one in wrong if not (may_discard and _LEFT_OVER.search(one))]


class _Window(FaultRule):
    """From the first call that matches on, every call of Synapse's is refused: a read-only window opens."""

    __slots__ = ("is_open", "length")
    is_open: bool
    length: int | None

    def strikes(self, method: str, path: str) -> bool:
        """Whether the window is open, or opens now."""
        if not re.match(r"/(repo|file|auth)/v1/", path):
            return False
        if not self.is_open:
            self.is_open = FaultRule.strikes(self, method, path)
            return self.is_open
        self.struck += 1
        return self.length is None or self.struck <= self.length


def _rule_for(cell: Cell) -> FaultRule | None:
    method, path = address_of(cell.call)
    if cell.effect.rule is None or "window" not in cell.effect.rule:
        return cell.effect.make_rule(method, path, skip=cell.skip)
    rule = _Window(
        kind=FaultKind.STATUS_BEFORE,
        method=method,
        path=path,
        status=503,
        times=None,
        skip=cell.skip,
    )
    rule.is_open, rule.length = False, cell.effect.rule["window"]
    return rule


def _weather_for(cell: Cell) -> dict[str, Any]:
    weather = {**_HASTE, **cell.effect.weather}
    if "refuse" in weather:
        weather["refuse"] = {**weather["refuse"], "call": re.escape(cell.call)}
    return weather


def address_of(call: str) -> tuple[str, str]:
    """Method and path, as the sandbox's rules want them, of a call as the boundaries name it."""
    if call == "S3 PUT part":
        return "PUT", "partNumber="
    if is_own(call):
        method, kind = call.removeprefix(OWN_KEYS).split()
        return method, _OWN_ADDRESSES[kind]
    if call.startswith("S3 "):
        return call.split()[1], r"^/(?!repo/|file/|auth/|sandbox/)"
    method, _, path = call.partition(" ")
    path, _, query = path.partition("?")
    pattern = re.escape(path).replace(r"\#", r"(syn)?\d+").replace("#", r"(syn)?\d+")
    return method, rf"^/(repo|file|auth)/v1{pattern}" + (rf"\?.*{query}" if query else r"(\?|$)")
