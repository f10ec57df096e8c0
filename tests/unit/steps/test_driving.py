"""The one loop: claims, launches, commits, stops."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from storage_core.errors import AccessError, Interrupted
from storage_core.model.tallies import Tally
from storage_core.plan.outcomes import Ending, FailureLimit
from storage_core.steps import driving
from storage_core.steps.backlog import Backlog
from storage_core.steps.driving import LoopLauncher, Phase, QuietWatch, drive
from storage_core.steps.limiting import LimitedWatch


class Numbers:
    """A ledger of numbers: pending until recorded."""

    def __init__(self, count: int) -> None:
        self.pending = list(range(1, count + 1))
        self.recorded: list[int] = []
        self.commits = 0
        self.threads: set[int] = set()

    def claim(self, after: int, limit: int) -> list[int]:
        self.threads.add(threading.get_ident())
        return [number for number in self.pending if number > after][:limit]

    def record(self, outcomes: list[int]) -> Tally:
        self.threads.add(threading.get_ident())
        self.commits += 1
        self.recorded += outcomes
        return Tally(done=len(outcomes))


class Stoppable:
    """The part of the services that the loop itself uses."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.backlog = Backlog()


@pytest.fixture
def launcher() -> Iterator[LoopLauncher]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield LoopLauncher(loop)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def phase(work, *, batch_size=10, active=4, finds_more=False) -> Phase:
    return Phase(
        name="count",
        doing="Counting",
        claim=lambda ledger, after, limit: ledger.claim(after, limit),
        number=lambda number: number,
        work=work,
        record=lambda ledger, outcomes: ledger.record(outcomes),
        batch_size=batch_size,
        active=active,
        finds_more=finds_more,
    )


async def echo(number, services, emit):
    await asyncio.sleep(0)
    emit(number)


def test_every_work_is_recorded_exactly_once(launcher):
    ledger = Numbers(257)
    total = drive(phase(echo), ledger, Stoppable(), launcher, QuietWatch())
    assert Tally(done=257) == total
    assert list(range(1, 258)) == sorted(ledger.recorded)


def test_the_index_is_touched_by_the_calling_thread_only(launcher):
    ledger = Numbers(50)
    drive(phase(echo), ledger, Stoppable(), launcher, QuietWatch())
    assert {threading.get_ident()} == ledger.threads


def test_no_more_works_than_allowed_are_under_way(launcher):
    under_way, most = [], []

    async def slow(number, services, emit):
        under_way.append(number)
        most.append(len(under_way))
        await asyncio.sleep(0.002)
        under_way.remove(number)
        emit(number)

    drive(phase(slow, batch_size=100, active=7), Numbers(60), Stoppable(), launcher, QuietWatch())
    assert 7 == max(most)


@pytest.mark.parametrize("finds_more", [True, False])
def test_work_found_while_running_is_claimed_too(launcher, finds_more):
    ledger = Numbers(1)

    async def growing(number, services, emit):
        if number < 30:
            ledger.pending.append(number + 1)
        emit(number)

    assert Tally(done=30) == drive(phase(growing, finds_more=finds_more), ledger, Stoppable(), launcher, QuietWatch())


def test_a_phase_that_finds_no_more_does_not_ask_again_after_every_outcome(launcher):
    class Counting(Numbers):
        claims = 0

        def claim(self, after, limit):
            self.claims += 1
            return super().claim(after, limit)

    ledger = Counting(300)
    drive(phase(echo, batch_size=100, active=100), ledger, Stoppable(), launcher, QuietWatch())
    # one look before the phase, one per batch, one that finds nothing, and a last one when all is over
    assert ledger.claims <= 1 + 3 + 2


class EndsUnseen:
    """Launches batches that send everything they have while the loop asks whether they have ended."""

    def launch(self, phase, batch, run):
        return self.Ticket(run)

    class Ticket:
        def __init__(self, run):
            self._run = run

        def done(self):
            asyncio.run(self._run())
            return True

        def raise_failure(self):
            pass


def test_work_found_by_the_last_batch_is_not_forgotten():
    """Its outcomes arrive after the loop has looked for outcomes, and before it sees that the batch is over."""

    class Growing(Numbers):
        def record(self, outcomes):
            self.pending += [number + 1 for number in outcomes if number < 3]
            return super().record(outcomes)

    ledger = Growing(1)
    drive(phase(echo), ledger, Stoppable(), EndsUnseen(), QuietWatch())
    assert [1, 2, 3] == ledger.recorded


def test_one_slow_work_does_not_hold_back_the_others(launcher):
    release = asyncio.Event()
    ledger = Numbers(200)

    async def work(number, services, emit):
        if number == 1:
            await asyncio.wait_for(release.wait(), 10)
        if number == 200:
            release.set()
        emit(number)

    drive(phase(work, batch_size=10, active=4), ledger, Stoppable(), launcher, QuietWatch())
    assert 1 == ledger.recorded[-1]


def test_an_exception_stops_the_claiming_but_loses_nothing_that_came_back(launcher):
    ledger = Numbers(1000)
    finished = []

    async def work(number, services, emit):
        await asyncio.sleep(0.001)
        if number == 20:
            raise AccessError("The token was revoked.", fix="Make a new one.")
        finished.append(number)
        emit(number)

    with pytest.raises(AccessError, match="revoked"):
        drive(phase(work, batch_size=10, active=4), ledger, Stoppable(), launcher, QuietWatch())
    assert sorted(finished) == sorted(ledger.recorded)
    assert len(ledger.recorded) < 100


def test_a_watch_can_stop_the_run_and_what_is_in_flight_is_finished(launcher):
    class Enough(QuietWatch):
        def must_stop(self, total):
            return total.done >= 20

    ledger = Numbers(1000)
    total = drive(phase(echo, batch_size=5, active=2), ledger, Stoppable(), launcher, Enough())
    assert 20 <= total.done < 100
    assert total.done == len(ledger.recorded)


def test_a_run_that_is_stopped_from_outside_does_not_say_that_it_is_complete():
    class Stopped(QuietWatch):
        def must_stop(self, total):
            return True

    watch = LimitedWatch(Stopped(), FailureLimit(), Numbers(1), list)
    assert watch.ending is Ending.COMPLETE
    assert watch.must_stop(Tally())
    assert watch.ending is Ending.STOPPED


def test_ctrl_c_records_what_came_back_and_says_how_to_go_on(launcher):
    class Pressed(QuietWatch):
        presses = iter([True])

        def committed(self, phase, tally):
            # once: whoever presses it again while the rest is recorded is not waited for
            if next(self.presses, False):
                raise KeyboardInterrupt

    ledger = Numbers(1000)
    with pytest.raises(Interrupted, match="same command again"):
        drive(phase(echo, batch_size=10, active=4), ledger, Stoppable(), launcher, Pressed())
    assert 0 < len(ledger.recorded) < 1000


def test_outcomes_that_come_one_by_one_are_committed_together(launcher):
    """A transaction for each costs more of our time than its calls do."""

    async def trickling(number, services, emit):
        await asyncio.sleep(0.004)
        emit(number)

    ledger = Numbers(100)
    began = time.monotonic()
    drive(phase(trickling, batch_size=100, active=1), ledger, Stoppable(), launcher, QuietWatch())
    assert ledger.commits <= 2 + (time.monotonic() - began) / driving.GATHER_SECONDS
    assert list(range(1, 101)) == ledger.recorded


def test_the_first_outcome_is_committed_at_once(launcher, monkeypatch):
    """A run that is killed again and again, soon after each start, still gets on."""
    monkeypatch.setattr(driving, "GATHER_SECONDS", 60)
    ledger = Numbers(2)

    async def work(number, services, emit):
        if number == 2:
            await until(lambda: ledger.recorded == [1])
        emit(number)

    drive(phase(work), ledger, Stoppable(), launcher, QuietWatch())
    assert [1, 2] == ledger.recorded


def test_an_outcome_does_not_wait_for_works_that_take_long(launcher):
    """A kill loses a second's outcomes, not those of a copy that S3 needs half an hour for."""
    ledger = Numbers(3)

    async def work(number, services, emit):
        if number == 3:
            await until(lambda: ledger.recorded == [1, 2])
        if number == 2:
            await until(lambda: ledger.recorded == [1])
        emit(number)

    drive(phase(work), ledger, Stoppable(), launcher, QuietWatch())
    assert [1, 2, 3] == ledger.recorded


def test_work_found_while_the_pipe_is_not_full_is_committed_at_once(launcher, monkeypatch):
    monkeypatch.setattr(driving, "GATHER_SECONDS", 60)

    class Chain(Numbers):
        def record(self, outcomes):
            self.pending += [number + 1 for number in outcomes if 1 < number < 20]
            return super().record(outcomes)

    ledger = Chain(2)

    async def work(number, services, emit):
        if number == 1:
            await until(lambda: 20 in ledger.recorded)
        emit(number)

    drive(phase(work, finds_more=True), ledger, Stoppable(), launcher, QuietWatch())
    assert [*range(2, 21), 1] == ledger.recorded


def test_ctrl_c_loses_nothing_of_what_was_being_gathered(launcher, monkeypatch):
    monkeypatch.setattr(driving, "GATHER_SECONDS", 60)
    sent = []

    async def work(number, services, emit):
        if number > 5:
            await until(services.stop.is_set)
            return
        sent.append(number)
        emit(number)

    class Pressed(QuietWatch):
        def must_stop(self, total):
            if len(sent) == 5:
                raise KeyboardInterrupt
            return False

    ledger = Numbers(100)
    with pytest.raises(Interrupted):
        drive(phase(work, batch_size=6, active=12), ledger, Stoppable(), launcher, Pressed())
    assert [1, 2, 3, 4, 5] == sorted(ledger.recorded)


async def until(claim) -> None:
    """Wait for something that another thread brings about."""
    give_up = time.monotonic() + 20
    while not claim():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.005)
