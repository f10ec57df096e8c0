"""Phases in one line run at the same time: what one has committed, the next claims."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from storage_core.errors import AccessError, Interrupted
from storage_core.model.tallies import Tally
from storage_core.steps import driving
from storage_core.steps.backlog import Backlog
from storage_core.steps.driving import LoopLauncher, Phase, QuietWatch, drive


class Pieces:
    """A ledger of pieces that pass through stages, one after the other."""

    def __init__(self, count: int) -> None:
        self.stage = dict.fromkeys(range(1, count + 1), "raw")
        self.commits: list[tuple[str, tuple[int, ...]]] = []
        self.joint: list[list[str]] = []
        self._inside: list[str] | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        self._inside = []
        yield
        self.joint.append(self._inside)
        self._inside = None

    def claim(self, stage: str, after: int, limit: int) -> list[int]:
        return [piece for piece, at in sorted(self.stage.items()) if at == stage and piece > after][:limit]

    def record(self, stage: str, pieces: list[int]) -> Tally:
        self.commits.append((stage, tuple(pieces)))
        if self._inside is not None:
            self._inside.append(stage)
        for piece in pieces:
            self.stage[piece] = stage
        return Tally(done=len(pieces))

    def order(self, stage: str) -> list[int]:
        return [piece for made, pieces in self.commits for piece in pieces if made == stage]


@dataclass
class Hands:
    """The part of the services that the loop itself uses."""

    stop: threading.Event = field(default_factory=threading.Event)
    backlog: Backlog = field(default_factory=Backlog)
    idle: bool = False

    def has_idle_budget(self) -> bool:
        return self.idle


@pytest.fixture
def launcher() -> Iterator[LoopLauncher]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield LoopLauncher(loop)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def echo(piece, services, emit):
    await asyncio.sleep(0)
    emit(piece)


async def echo_all(pieces, services, emit):
    for piece in pieces:
        await echo(piece, services, emit)


def phase(start: str, made: str, work=echo, **more) -> Phase:
    given = {"batch_size": 10, "active": 4} | more
    return Phase(
        name=made,
        doing=f"Making {made}",
        claim=lambda ledger, after, limit: ledger.claim(start, after, limit),
        number=lambda piece: piece,
        work=work,
        record=lambda ledger, outcomes: ledger.record(made, outcomes),
        **given,
    )


async def until(claim) -> None:
    """Wait for something that another thread brings about."""
    give_up = time.monotonic() + 30
    while not claim():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.005)


def test_every_piece_passes_every_phase_once(launcher):
    ledger = Pieces(157)
    line = (
        phase("raw", "cut"),
        phase("cut", "bent", fed_by=("cut",)),
        phase("bent", "sold", echo_all, fed_by=("bent",), together=7),
    )
    assert Tally(done=3 * 157) == drive(line, ledger, Hands(), launcher, QuietWatch())
    for made in ("cut", "bent", "sold"):
        assert list(range(1, 158)) == sorted(ledger.order(made))


def test_what_two_phases_gathered_is_committed_together(launcher, monkeypatch):
    """Each transaction costs more than what is in it."""
    monkeypatch.setattr(driving, "GATHER_SECONDS", 0.1)
    ledger = Pieces(60)
    ledger.stage |= dict.fromkeys(range(31, 61), "ore")

    async def trickling(piece, services, emit):
        await asyncio.sleep(0.01)
        emit(piece)

    line = (phase("raw", "cut", trickling, active=1), phase("ore", "melted", trickling, active=1))
    drive(line, ledger, Hands(), launcher, QuietWatch())

    assert list(range(1, 31)) == ledger.order("cut")
    assert list(range(31, 61)) == ledger.order("melted")
    assert ["cut", "melted"] in ledger.joint


def test_a_full_batch_goes_on_while_earlier_works_still_wait(launcher):
    ledger = Pieces(31)

    async def cut(piece, services, emit):
        if piece == 1:
            await until(lambda: len(ledger.order("bent")) >= 10)
        emit(piece)

    line = (phase("raw", "cut", cut), phase("cut", "bent", fed_by=("cut",)))
    drive(line, ledger, Hands(), launcher, QuietWatch())
    assert ledger.order("bent").index(1) >= 10


def test_less_than_a_batch_waits_as_long_as_the_budget_is_in_use(launcher, monkeypatch):
    """Each claim reads the index, and a call for one costs as much as a call for a hundred."""
    monkeypatch.setattr(driving, "IDLE_SECONDS", 0.0)
    ledger = Pieces(40)
    batches = Counter()

    async def cut(piece, services, emit):
        await asyncio.sleep(0.005)
        emit(piece)

    async def bend(pieces, services, emit):
        batches["bent"] += 1
        await echo_all(pieces, services, emit)

    line = (phase("raw", "cut", cut), phase("cut", "bent", bend, fed_by=("cut",), batch_size=100, together=20))
    drive(line, ledger, Hands(), launcher, QuietWatch())
    assert 2 == batches["bent"]


def test_idle_budget_is_used_for_what_little_there_is(launcher, monkeypatch):
    """While S3 copies one large object for minutes, what is copied already is brought to its end."""
    monkeypatch.setattr(driving, "IDLE_SECONDS", 0.1)
    ledger = Pieces(3)

    async def cut(piece, services, emit):
        if piece == 1:
            await until(lambda: ledger.order("bent") == [2, 3])
        emit(piece)

    line = (phase("raw", "cut", cut), phase("cut", "bent", fed_by=("cut",), batch_size=100))
    drive(line, ledger, Hands(idle=True), launcher, QuietWatch())
    assert [2, 3, 1] == ledger.order("bent")


def test_idle_budget_is_not_used_again_and_again(launcher, monkeypatch):
    """Each use is a reading of the index and a task; the first comes at once."""
    monkeypatch.setattr(driving, "IDLE_SECONDS", 0.0)
    monkeypatch.setattr(driving, "IDLE_CLAIMS_APART_SECONDS", 1000.0)
    ledger = Pieces(4)

    async def cut(piece, services, emit):
        if piece == 1:
            await until(lambda: ledger.order("bent"))
            await asyncio.sleep(0.5)
        elif piece == 4:
            await until(lambda: ledger.order("bent"))
        emit(piece)

    line = (phase("raw", "cut", cut), phase("cut", "bent", fed_by=("cut",), batch_size=100))
    drive(line, ledger, Hands(idle=True), launcher, QuietWatch())
    assert [(2, 3), (1, 4)] == [tuple(sorted(pieces)) for made, pieces in ledger.commits if made == "bent"]


def test_a_phase_that_saves_calls_by_waiting_does_not_use_idle_budget(launcher, monkeypatch):
    monkeypatch.setattr(driving, "IDLE_SECONDS", 0.0)
    ledger = Pieces(3)

    async def cut(piece, services, emit):
        if piece == 1:
            await asyncio.sleep(0.8)
        emit(piece)

    last = phase("cut", "bent", fed_by=("cut",), batch_size=100, waits_for_many=True)
    drive((phase("raw", "cut", cut), last), ledger, Hands(idle=True), launcher, QuietWatch())
    assert 1 == ledger.order("cut")[-1]
    assert [1, 2, 3] == ledger.order("bent")


def test_what_a_later_phase_sends_back_is_done_again(launcher):
    """A copy that proves bad is discarded and made anew, whatever its number."""
    ledger = Pieces(25)
    judged = Counter()

    def judge(ledger, pieces):
        judged.update(pieces)
        bad = [piece for piece in pieces if piece % 5 == 0 and judged[piece] == 1]
        ledger.record("raw", bad)
        return ledger.record("bent", [piece for piece in pieces if piece not in bad])

    second = phase("cut", "bent", fed_by=("cut",))
    second = Phase(**{name: getattr(second, name) for name in second.__slots__} | {"record": judge})
    drive((phase("raw", "cut", fed_by=("bent",)), second), ledger, Hands(), launcher, QuietWatch())
    assert {"bent"} == set(ledger.stage.values())
    assert 30 == len(ledger.order("cut"))


def test_works_that_stand_apart_are_never_under_way_together(launcher):
    """The versions of one entity are changed one after the other, also when their copies are ready at other times."""
    ledger = Pieces(60)
    under_way, together = Counter(), []

    async def bend(piece, services, emit):
        family = piece % 6
        under_way[family] += 1
        together.append(under_way[family])
        await asyncio.sleep(0.002)
        under_way[family] -= 1
        emit(piece)

    last = phase("cut", "bent", bend, fed_by=("cut",), batch_size=5, active=20, apart=lambda piece: piece % 6)
    drive((phase("raw", "cut"), last), ledger, Hands(), launcher, QuietWatch())
    assert 1 == max(together)
    assert list(range(1, 61)) == sorted(ledger.order("bent"))


def test_a_failure_in_one_phase_stops_all_and_loses_nothing(launcher):
    ledger = Pieces(200)
    sent = Counter()

    async def bend(piece, services, emit):
        if piece == 15:
            raise AccessError("The token was revoked.", fix="Make a new one.")
        sent["bent"] += 1
        emit(piece)

    line = (phase("raw", "cut"), phase("cut", "bent", bend, fed_by=("cut",)))
    with pytest.raises(AccessError, match="revoked"):
        drive(line, ledger, Hands(), launcher, QuietWatch())
    assert sent["bent"] == len(ledger.order("bent")) < 200


def test_ctrl_c_records_what_came_back_in_every_phase(launcher):
    class Pressed(QuietWatch):
        def committed(self, phase, tally):
            if phase.name == "bent":
                raise KeyboardInterrupt

    ledger = Pieces(300)
    with pytest.raises(Interrupted, match="same command again"):
        drive((phase("raw", "cut"), phase("cut", "bent", fed_by=("cut",))), ledger, Hands(), launcher, Pressed())
    assert 0 < len(ledger.order("bent")) < 300


def test_each_phase_is_announced_and_closed_with_its_own_total(launcher):
    told = []

    class Telling(QuietWatch):
        def began(self, phase):
            told.append(f"{phase.name} began")

        def ended(self, phase, total):
            told.append(f"{phase.name} ended with {total.done}")

    line = (phase("raw", "cut"), phase("cut", "bent", fed_by=("cut",)), phase("never", "sold", fed_by=("gone",)))
    drive(line, Pieces(8), Hands(), launcher, Telling())
    assert ["cut began", "cut ended with 8", "bent began", "bent ended with 8"] == told


def test_a_line_without_work_says_nothing(launcher):
    class Telling(QuietWatch):
        def began(self, phase):
            raise AssertionError(phase.name)

    assert Tally() == drive((phase("raw", "cut"), phase("cut", "bent")), Pieces(0), Hands(), launcher, Telling())
