import asyncio

from kit.db.wakeups import CROWD, Wakeups

LONG = 3600.0


async def test_nobody_gives_way_when_there_is_no_crowd() -> None:
    await Wakeups().give_way(LONG)


async def test_whoever_gives_way_to_a_crowd_goes_on_once_it_is_told_of_no_more() -> None:
    wakeups = Wakeups()
    wakeups.wake(CROWD)
    await wakeups.give_way(LONG)


async def test_a_crowd_that_never_ends_delays_and_does_not_keep_from_working() -> None:
    wakeups, ended = Wakeups(), asyncio.Event()

    async def told_for_ever() -> None:
        while not ended.is_set():
            wakeups.wake(CROWD)
            await asyncio.sleep(0.01)

    crowd = asyncio.create_task(told_for_ever())
    await wakeups.give_way(0.2)
    await wakeups.give_way(0.2)
    ended.set()
    await crowd


async def test_the_end_of_the_process_waits_for_no_crowd() -> None:
    wakeups, stop, ended = Wakeups(), asyncio.Event(), asyncio.Event()

    async def told_for_ever() -> None:
        while not ended.is_set():
            wakeups.wake(CROWD)
            await asyncio.sleep(0.01)

    crowd = asyncio.create_task(told_for_ever())
    stop.set()
    await wakeups.give_way(LONG, stop)
    ended.set()
    await crowd
