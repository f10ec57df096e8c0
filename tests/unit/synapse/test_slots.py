"""Slots for S3: first come, first served, and their number may change while they are in use."""

import asyncio
from contextlib import AbstractAsyncContextManager

from storage_core.synapse import slots as module
from storage_core.synapse.slots import AdjustableSlots


async def hold(
    slots: AbstractAsyncContextManager[object], entered: list[int], number: int, leave: asyncio.Event
) -> None:
    async with slots:
        entered.append(number)
        await leave.wait()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_no_more_than_allowed_are_inside_and_the_first_comes_first():
    async def story():
        slots, entered, leave = AdjustableSlots(2), [], asyncio.Event()
        tasks = [asyncio.create_task(hold(slots, entered, number, leave)) for number in range(5)]
        await settle()
        assert [0, 1] == entered
        leave.set()
        await asyncio.gather(*tasks)
        assert [0, 1, 2, 3, 4] == entered

    asyncio.run(story())


def test_more_slots_let_waiting_requests_in_and_fewer_let_those_inside_finish():
    async def story():
        slots, entered, leave = AdjustableSlots(1), [], asyncio.Event()
        tasks = [asyncio.create_task(hold(slots, entered, number, leave)) for number in range(6)]
        await settle()
        slots.change(4)
        await settle()
        assert [0, 1, 2, 3] == entered
        slots.change(1)
        await settle()
        assert 4 == len(entered)
        leave.set()
        await asyncio.gather(*tasks)

    asyncio.run(story())


def test_requests_that_take_long_stand_behind_all_others_and_leave_them_some_slots():
    async def story():
        slots, entered = AdjustableSlots(8), []
        leave_long, leave_short = asyncio.Event(), asyncio.Event()
        long = [asyncio.create_task(hold(slots.for_long, entered, number, leave_long)) for number in range(9)]
        await settle()
        assert [0, 1, 2, 3, 4, 5, 6] == entered
        short = [asyncio.create_task(hold(slots, entered, number, leave_short)) for number in (100, 101)]
        await settle()
        assert [100] == entered[7:]
        long[0].cancel()
        await settle()
        assert [100, 101] == entered[7:]
        leave_short.set()
        await settle()
        assert [100, 101, 7] == entered[7:]
        leave_long.set()
        await asyncio.gather(*long, *short, return_exceptions=True)
        assert [100, 101, 7, 8] == entered[7:]

    asyncio.run(story())


def test_a_single_slot_is_there_for_long_requests_too():
    async def story():
        slots = AdjustableSlots(1)
        async with slots.for_long:
            pass
        async with slots:
            pass

    asyncio.run(asyncio.wait_for(story(), 20))


def test_a_waiting_request_that_is_cancelled_takes_no_slot_with_it():
    async def story():
        slots, entered, leave = AdjustableSlots(1), [], asyncio.Event()
        first, second, third = [asyncio.create_task(hold(slots, entered, number, leave)) for number in range(3)]
        await settle()
        second.cancel()
        leave.set()
        await asyncio.gather(first, second, third, return_exceptions=True)
        assert [0, 2] == entered
        async with slots:
            pass

    asyncio.run(story())


def test_a_slot_handed_over_to_a_request_that_is_cancelled_is_given_on():
    async def story():
        slots, entered, leave = AdjustableSlots(1), [], asyncio.Event()
        first, second, third = [asyncio.create_task(hold(slots, entered, number, leave)) for number in range(3)]
        await settle()
        leave.set()
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait_for(asyncio.gather(first, second, third, return_exceptions=True), 10)
        assert 2 in entered

    asyncio.run(story())


def test_slow_down_halves_and_is_told_once_for_requests_that_were_under_way_together():
    slots = AdjustableSlots(64)
    for _ in range(20):
        slots.slow_down()
    assert (32, True) == (slots.allowed, slots.is_slowed)
    assert ("S3 asked to slow down: 32 requests at a time instead of 64",) == slots.take_decisions()


def test_after_a_slow_down_the_number_grows_back(monkeypatch):
    monkeypatch.setattr(module, "_RECOVER_SECONDS", 0.0)
    slots = AdjustableSlots(10)
    slots.slow_down()

    async def use() -> None:
        async with slots:
            pass

    for _ in range(3):
        asyncio.run(use())
    assert (10, False) == (slots.allowed, slots.is_slowed)
    assert "S3 takes it again: 10 requests at a time" == slots.take_decisions()[-1]
