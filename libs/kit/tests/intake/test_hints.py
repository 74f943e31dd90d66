import asyncio
from contextlib import suppress

from kit.db.database import Database
from kit.messaging.wakeup import Hint, Listener
from kit.testing.databases import TestDatabase


async def test_a_hint_wakes_those_who_wait_for_its_topic_here_and_in_other_processes(
    place: TestDatabase, database: Database
) -> None:
    other = await Database.open(place.url("letters"), name="other", pool_size=1)
    hint, listener = (
        Hint(place.url("letters"), "letters"),
        Listener(place.url("letters"), "letters", wakeups=other.wakeups),
    )
    database.hinted = hint.notify
    tasks = [asyncio.create_task(hint.run()), asyncio.create_task(listener.run())]
    try:
        await asyncio.wait_for(listener.listening.wait(), 20)
        with (
            database.wakeups.waiting("letters") as here,
            other.wakeups.waiting("letters") as there,
            other.wakeups.waiting("parcels") as elsewhere,
        ):
            database.hint("letters")
            assert here.is_set()
            await asyncio.wait_for(there.wait(), 20)
            assert not elsewhere.is_set()
            database.hint("parcels")
            await asyncio.wait_for(elsewhere.wait(), 20)
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await other.close()
