"""The network thread."""

import asyncio
import threading

import pytest

from storage_core.network import NetworkThread


async def the_thread() -> str:
    return threading.current_thread().name


def test_work_runs_on_its_own_thread():
    with NetworkThread() as network:
        assert "network" == network.run(the_thread())


def test_it_works_inside_a_running_loop():
    async def notebook_cell():
        with NetworkThread() as network:
            return network.run(the_thread())

    assert "network" == asyncio.run(notebook_cell())


def test_errors_come_back_to_the_caller():
    async def fail():
        raise ValueError("from the loop")

    with NetworkThread() as network, pytest.raises(ValueError, match="from the loop"):
        network.run(fail())


def test_leaving_cancels_what_still_runs():
    ended = threading.Event()

    async def endless():
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    with NetworkThread() as network:
        asyncio.run_coroutine_threadsafe(endless(), network.loop)
    assert ended.is_set()
