"""`python -m kit.testing.parcels`: a worker that posts parcels.

PARCELS_DATABASE_URL, PARCELS_PORT (health), PARCELS_RECEIVER, and PARCELS_CALL_WITHIN, PARCELS_LOOK_AFTER in seconds.
"""

import asyncio
import os
from functools import partial

from kit.db.database import Database
from kit.http.app import create_app
from kit.http.client import Outbound
from kit.http.serving import serve
from kit.ledger.kind import Timing
from kit.ledger.ledger import Ledger
from kit.messaging.wakeup import Hint, Listener
from kit.process import Loop, in_order, run, supervise
from kit.testing.parcels import Parcels


async def _main(stop: asyncio.Event) -> None:
    url = os.environ["PARCELS_DATABASE_URL"]
    database = await Database.open(url, name="parcels", pool_size=6)
    outbound = Outbound()
    await outbound.warm()
    look_after = float(os.environ.get("PARCELS_LOOK_AFTER", "0.1"))
    timing = Timing(
        call_within=float(os.environ.get("PARCELS_CALL_WITHIN", "2")),
        looks_after=(look_after,),
        absent_after=look_after,
        backoff_first=0.1,
        backoff_longest=1.0,
    )
    ledger = Ledger(database, [Parcels(os.environ["PARCELS_RECEIVER"], outbound, timing)])
    hint, listener = Hint(url, "sample"), Listener(url, "sample", database.wakeups)
    database.emitted = database.hinted = hint.notify
    loops = [*ledger.loops(), Loop("listener", listener.run), Loop("hint", hint.run)]
    app = create_app(service="parcels", title="Parcels")
    try:
        await in_order(
            stop, partial(serve, app, "127.0.0.1", int(os.environ["PARCELS_PORT"])), partial(supervise, loops)
        )
    finally:
        await outbound.close()
        await database.close()


if __name__ == "__main__":
    run(_main)
