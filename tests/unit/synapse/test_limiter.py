"""One budget per machine: real processes, real kills, recorded times."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage_core.errors import UsageError
from storage_core.synapse.limiter import CallLimiter, Wait
from storage_core.synapse.start_ring import Start, StartRing

ROOT = Path(__file__).parents[3]
CALLER = """
import asyncio, sys, time
from pathlib import Path
from storage_core.synapse.limiter import CallLimiter

folder, log, calls, per_minute, window, length = sys.argv[1:7]
limiter = CallLimiter(folder=Path(folder), endpoint="https://synapse.test/repo/v1", calls_in_flight=3,
                      calls_per_minute=int(per_minute), window_seconds=float(window))

async def call():
    async with limiter.slot():
        begin = time.monotonic()
        await asyncio.sleep(float(length))
        Path(log).open("a").write(f"{begin} {time.monotonic()}\\n")

async def main():
    await asyncio.gather(*(call() for _ in range(int(calls))))

print("ready", flush=True)
sys.stdin.readline()
asyncio.run(main())
"""


def limiter(folder, *, in_flight=3, per_minute=1000, window=60.0, late=1.0):
    return CallLimiter(
        folder=folder,
        endpoint="https://synapse.test/repo/v1",
        calls_in_flight=in_flight,
        calls_per_minute=per_minute,
        window_seconds=window,
        late_seconds=late,
    )


def start_caller(folder, log, *, calls, per_minute=1000, window=60.0, length=0.02):
    arguments = [folder, log, calls, per_minute, window, length]
    return subprocess.Popen(
        [sys.executable, "-c", CALLER, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def let_go(callers):
    """All of them are imported and ready; now they begin together and run to their end."""
    for caller in callers:
        assert caller.stdout.readline() == "ready\n"
    for caller in callers:
        caller.stdin.write("go\n")
        caller.stdin.flush()
    for caller in callers:
        caller.communicate(timeout=60)
        assert 0 == caller.returncode


def spans(*logs):
    return sorted(tuple(map(float, line.split())) for log in logs for line in log.read_text().splitlines())


def most_at_once(found):
    edges = sorted([(begin, 1) for begin, _ in found] + [(end, -1) for _, end in found], key=lambda edge: edge)
    inside = most = 0
    for _, step in edges:
        inside += step
        most = max(most, inside)
    return most


def most_starts_within(found, seconds):
    starts = [begin for begin, _ in found]
    return max(sum(begin <= start < begin + seconds for start in starts) for begin in starts)


def test_processes_together_keep_the_number_in_flight_and_each_gets_its_share(tmp_path):
    logs = [tmp_path / f"log-{number}" for number in range(3)]
    callers = [start_caller(tmp_path / "state", log, calls=40) for log in logs]
    let_go(callers)

    found = spans(*logs)
    assert 120 == len(found)
    assert 3 == most_at_once(found)
    ends = [max(end for _, end in spans(log)) for log in logs]
    begins = [min(begin for begin, _ in spans(log)) for log in logs]
    overlap = min(ends) - max(begins)
    assert overlap > 0.3 * (max(ends) - min(begins)), "nobody waits until the others are done"


def test_processes_together_keep_the_number_of_starts_in_every_window(tmp_path):
    """The minute is shortened to a second here; the arithmetic is the same."""
    logs = [tmp_path / f"log-{number}" for number in range(2)]
    callers = [start_caller(tmp_path / "state", log, calls=35, per_minute=20, window=1.0, length=0.001) for log in logs]
    let_go(callers)

    found = spans(*logs)
    assert 70 == len(found)
    # recorded by the caller, a moment after the limiter's own stamp
    assert most_starts_within(found, 0.97) <= 20
    assert found[-1][0] - found[0][0] < 10.0, "the budget is used, not just kept"


def test_a_killed_holder_gives_its_slots_back(tmp_path):
    log = tmp_path / "log"
    holder = start_caller(tmp_path / "state", log, calls=3, length=60)
    assert holder.stdout is not None
    assert holder.stdin is not None
    holder.stdout.readline()
    holder.stdin.write("go\n")
    holder.stdin.flush()
    mine = limiter(tmp_path / "state")

    async def take():
        began = time.monotonic()
        async with mine.slot():
            return time.monotonic() - began

    async def story():
        for _ in range(500):
            if not any(_is_free(mine, number) for number in range(3)):
                break
            await asyncio.sleep(0.01)
        waiting = asyncio.create_task(take())
        await asyncio.sleep(0.2)
        assert not waiting.done(), "all three slots are taken"
        holder.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        await asyncio.wait_for(waiting, 5)
        return time.monotonic() - killed

    try:
        assert asyncio.run(story()) < 1.0
    finally:
        holder.kill()
        holder.communicate()
        mine.close()


def _is_free(looker, number):
    from storage_core.synapse.filelock import try_lock, unlock

    if not try_lock(looker._slots[number]):
        return False
    unlock(looker._slots[number])
    return True


def test_a_call_costs_next_to_nothing_in_one_process(tmp_path):
    mine = limiter(tmp_path, per_minute=50_000)

    async def many():
        for _ in range(2000):
            async with mine.slot():
                pass

    began = time.process_time()
    asyncio.run(many())
    mine.close()

    assert (time.process_time() - began) / 2000 < 0.0002


def test_within_a_process_it_is_first_come_first_served(tmp_path):
    mine = limiter(tmp_path, in_flight=2)
    order = []

    async def call(number):
        async with mine.slot():
            order.append(number)
            await asyncio.sleep(0.001)

    async def story():
        await asyncio.gather(*(call(number) for number in range(20)))

    asyncio.run(story())
    mine.close()

    assert list(range(20)) == order


def test_a_call_that_was_given_up_while_waiting_takes_nothing_along(tmp_path):
    mine = limiter(tmp_path, in_flight=1)

    async def story():
        async with mine.slot():
            waiting = asyncio.create_task(_enter(mine))
            await asyncio.sleep(0.01)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        await asyncio.wait_for(_enter(mine), 1)

    asyncio.run(story())
    mine.close()


def test_a_call_given_up_while_waiting_for_the_minute_frees_its_slot(tmp_path):
    mine = limiter(tmp_path, in_flight=1, per_minute=1)

    async def story():
        await _enter(mine)
        waiting = asyncio.create_task(_enter(mine))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return set(mine._held)

    assert set() == asyncio.run(story())
    mine.close()


async def _enter(mine):
    async with mine.slot():
        pass


def test_slowing_down_leaves_one_call_at_a_time_at_least(tmp_path):
    mine = limiter(tmp_path)
    inside, most = 0, 0

    async def call():
        nonlocal inside, most
        async with mine.slot():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.002)
            inside -= 1

    async def story():
        await asyncio.gather(*(call() for _ in range(9)))

    for _ in range(5):
        mine.slow_down()
    asyncio.run(story())
    mine.close()

    assert 1 == most


def test_limits_can_be_changed_and_the_reason_for_waiting_be_read(tmp_path):
    mine = limiter(tmp_path, in_flight=1, per_minute=3)

    async def story():
        reasons = [mine.waiting_for]
        async with mine.slot():
            second = asyncio.create_task(_enter(mine))
            await asyncio.sleep(0.01)
            reasons.append(mine.waiting_for)
            mine.change_limits(calls_in_flight=2)
            await asyncio.wait_for(second, 1)
        await _enter(mine)
        fourth = asyncio.create_task(_enter(mine))
        await asyncio.sleep(0.01)
        reasons.append(mine.waiting_for)
        fourth.cancel()
        await asyncio.gather(fourth, return_exceptions=True)
        mine.change_limits(calls_per_minute=4)
        await asyncio.wait_for(_enter(mine), 1)
        return [*reasons, mine.waiting_for]

    assert [Wait.NOTHING, Wait.SLOT, Wait.MINUTE, Wait.NOTHING] == asyncio.run(story())
    mine.close()


def test_repeated_throttling_takes_less_of_the_minute_and_says_why(tmp_path):
    """One throttled answer is chance; three in a minute mean that others spend of the same budget."""
    mine = limiter(tmp_path, per_minute=600)
    mine.ease_off()
    mine.ease_off()
    assert 600 == mine.calls_per_minute
    mine.ease_off()
    assert 540 == mine.calls_per_minute
    assert ("Synapse throttles: 540 calls a minute",) == mine.take_decisions()
    assert () == mine.take_decisions()
    assert ("Synapse was throttling: 90% of 600 calls a minute are used",) == mine.reasons()
    mine.change_limits(calls_per_minute=300)
    assert (300, ()) == (mine.calls_per_minute, mine.reasons())
    mine.close()


def test_what_was_taken_away_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr("storage_core.synapse.limiter._EASED_SECONDS", 0.05)
    monkeypatch.setattr("storage_core.synapse.limiter._SLOWED_SECONDS", 0.05)
    mine = limiter(tmp_path, per_minute=600)
    for _ in range(3):
        mine.ease_off()
    mine.slow_down()
    assert (540, 2) == (mine.calls_per_minute, mine.calls_in_flight)
    time.sleep(0.1)
    mine.take_decisions()
    asyncio.run(_enter(mine))
    assert (600, 3) == (mine.calls_per_minute, mine.calls_in_flight)
    assert () == mine.reasons()
    mine.close()


def test_slow_answers_are_told_as_what_bounds_the_speed(tmp_path):
    mine = limiter(tmp_path, in_flight=1, per_minute=60_000)

    async def slow():
        async with mine.slot():
            await asyncio.sleep(0.05)

    asyncio.run(slow())
    (reason,) = mine.reasons()
    assert "1 in flight make" in reason
    mine.close()


def test_calls_of_the_last_minute_are_counted_for_the_whole_machine(tmp_path):
    mine, other = limiter(tmp_path), limiter(tmp_path)
    for one in (mine, other, mine):
        asyncio.run(_enter(one))
    assert (3, 3) == (mine.calls_last_minute(), other.calls_last_minute())
    short = limiter(tmp_path, window=0.0, late=0.0)
    assert 0 == short.calls_last_minute()
    for one in (mine, other, short):
        one.close()


def test_a_raised_limit_is_noticed_by_a_call_that_waits_for_the_minute(tmp_path):
    mine = limiter(tmp_path, per_minute=1)

    async def story():
        await _enter(mine)
        waiting = asyncio.create_task(_enter(mine))
        await asyncio.sleep(0.05)
        mine.change_limits(calls_per_minute=10)
        await asyncio.wait_for(waiting, 20)

    asyncio.run(story())
    mine.close()


def test_the_state_is_for_its_owner_only(tmp_path):
    mine = limiter(tmp_path / "state")
    room = next((tmp_path / "state").iterdir())
    mine.close()

    assert "0o700" == oct(room.stat().st_mode & 0o777)
    assert {"0o600"} == {oct(path.stat().st_mode & 0o777) for path in room.iterdir()}


def test_a_state_folder_that_cannot_be_used_is_a_usage_error(tmp_path):
    (tmp_path / "state").write_text("a file")

    with pytest.raises(UsageError, match="SYNAPSE_STATE_FOLDER"):
        limiter(tmp_path / "state")


def test_another_endpoint_has_another_budget(tmp_path):
    one = limiter(tmp_path, per_minute=1)
    other = CallLimiter(folder=tmp_path, endpoint="http://127.0.0.1:1", calls_in_flight=1, calls_per_minute=1)

    async def story():
        await _enter(one)
        await asyncio.wait_for(_enter(other), 1)

    asyncio.run(story())
    one.close()
    other.close()


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 15)), min_size=1, max_size=200), st.integers(1, 12))
def test_no_window_ever_holds_more_starts_than_the_limit(tmp_path_factory, steps, limit):
    """Also when a process read the clock a while ago, and others came before it meanwhile."""
    ring = StartRing(tmp_path_factory.mktemp("ring"))
    now, window, starts = 1_000_000, 100, []
    for step, ago in steps:
        now += step
        wait = ring.try_start(now_ns=now - ago, limit=limit, window_ns=window)
        if isinstance(wait, Start):
            assert now - ago <= wait.at_ns <= now
            starts.append(wait.at_ns)
        else:
            assert wait is not None
            assert 0 < wait <= window
            assert sum(start > now - ago - window for start in starts) >= limit, "nobody waits in vain"
    ring.close()

    for start in starts:
        assert sum(start <= other < start + window for other in starts) <= limit


@pytest.mark.parametrize("damage", ["restart", "garbage", "short", "empty"])
def test_a_ring_from_before_a_restart_or_a_damaged_one_begins_anew(tmp_path, damage):
    ring = StartRing(tmp_path)
    for _ in range(3):
        ring.try_start(now_ns=5_000_000, limit=3, window_ns=1000)
    ring.close()
    file = tmp_path / "starts"
    now = 5_000_100
    if damage == "restart":
        now = 100
    elif damage == "garbage":
        file.write_bytes(os.urandom(file.stat().st_size))
    else:
        file.write_bytes(b"" if damage == "empty" else b"SYNSTRT1")

    ring = StartRing(tmp_path)
    answer = ring.try_start(now_ns=now, limit=3, window_ns=1000)
    ring.close()

    assert Start(0, now) == answer


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30), st.integers(0, 30)), max_size=150), st.integers(1, 12)
)
def test_no_window_of_the_service_holds_more_arrivals_than_the_limit(tmp_path_factory, calls, limit):
    """However long requests are on their way, and in whatever order they arrive and are answered."""
    ring = StartRing(tmp_path_factory.mktemp("ring"))
    now, window, late, arrivals, answers = 1_000_000, 100, 60, [], []
    for step, there, back in calls:
        now += step
        for start, answered in [one for one in answers if one[1] <= now]:
            ring.counts_from(start, answered - late)
            answers.remove((start, answered))
        start = ring.try_start(now_ns=now, limit=limit, window_ns=window + late)
        if isinstance(start, Start):
            arrivals.append(now + there)
            answers.append((start, now + there + back))
    ring.close()

    for arrival in arrivals:
        assert sum(arrival <= other < arrival + window for other in arrivals) <= limit


def test_the_place_of_an_answered_call_is_free_a_window_after_its_answer(tmp_path):
    ring = StartRing(tmp_path)
    start = ring.try_start(now_ns=5_000, limit=1, window_ns=1_100)
    ring.counts_from(start, 5_020 - 100)

    assert 1 == ring.try_start(now_ns=6_019, limit=1, window_ns=1_100)
    assert Start(1, 6_020) == ring.try_start(now_ns=6_020, limit=1, window_ns=1_100)
    ring.counts_from(start, 0)
    assert 1 == ring.count_since(5_500), "a place that counts from another moment by now is left alone"
    ring.close()


def test_a_call_without_an_answer_is_taken_for_a_late_one(tmp_path):
    mine = limiter(tmp_path, per_minute=1, window=0.2, late=30.0)

    async def story():
        with pytest.raises(ConnectionError):
            async with mine.slot():
                raise ConnectionError
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_enter(mine), 0.4)
        mine.change_limits(calls_per_minute=2)
        await _enter(mine)
        mine.change_limits(calls_per_minute=1)
        await asyncio.wait_for(_enter(mine), 20)

    asyncio.run(story())
    mine.close()


def test_a_forked_child_does_not_keep_a_dead_parents_slot(tmp_path):
    """The child of a killed parent lives on; the parent's slots are free all the same."""
    script = f"""
import asyncio, os, signal, sys, time
from pathlib import Path
from storage_core.synapse.limiter import CallLimiter
mine = CallLimiter(folder=Path({str(tmp_path)!r}), endpoint="https://synapse.test/repo/v1", calls_in_flight=1,
                   calls_per_minute=100)
async def story():
    async with mine.slot():
        if os.fork() == 0:
            print(os.getpid(), flush=True)
            time.sleep(30)
            os._exit(0)
        os.wait()
asyncio.run(story())
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    try:
        parent.kill()
        parent.wait()
        mine = limiter(tmp_path, in_flight=1)

        async def story():
            await asyncio.wait_for(_enter(mine), 2)

        asyncio.run(story())
        mine.close()
    finally:
        os.kill(child, signal.SIGKILL)
        parent.stdout.close()
