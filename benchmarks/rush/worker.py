"""`python -m benchmarks.rush.worker`: the ledger's worker of the publisher, with pictures that need no store.

RUSH_DATABASE_URL, RUSH_SANDBOXES (JSON: address by platform), RUSH_MEDIA_URL.
"""

import asyncio
import json
import os

from benchmarks.rush.setting import MASTER, Pictures, settings
from kit.db.database import Database
from kit.http.client import Outbound
from kit.messaging.wakeup import Hint, Listener
from kit.process import Loop, run, supervise
from kit.seal import Keyring, LocalMasterKey
from kit.telemetry import logging
from postrules.limits import Platform as Name
from publisher.bootstrap import publishing


async def _main(stop: asyncio.Event) -> None:
    logging.configure("rush worker", "warning")
    url = os.environ["RUSH_DATABASE_URL"]
    urls = {Name(name): address for name, address in json.loads(os.environ["RUSH_SANDBOXES"]).items()}
    database = await Database.open(url, name="rush worker", pool_size=6)
    outbound = Outbound()
    await outbound.warm()
    keyring = Keyring(database, LocalMasterKey.from_text(MASTER))
    made = publishing(settings(url, urls), database, keyring, outbound, Pictures(os.environ["RUSH_MEDIA_URL"]))
    hint, listener = Hint(url, "publisher"), Listener(url, "publisher", wakeups=database.wakeups)
    database.emitted = database.hinted = hint.notify
    loops = [
        *made.ledger.loops(),
        Loop("clock", database.clock.run),
        Loop("listener", listener.run),
        Loop("hint", hint.run),
    ]
    try:
        print("ready", flush=True)
        await supervise(loops, stop)
    finally:
        await outbound.close()
        await database.close()


if __name__ == "__main__":
    run(_main)
