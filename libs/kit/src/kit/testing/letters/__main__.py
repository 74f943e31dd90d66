"""`python -m kit.testing.letters api|worker`, with LETTERS_DATABASE_URL, LETTERS_PORT and LETTERS_LEASE.

A letter whose text is `die` kills the process that applies it; `hold` makes it wait with its transaction open.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial

from kit.db.database import Database
from kit.http.app import create_app
from kit.http.serving import serve
from kit.intake.intake import Intake
from kit.intake.model import Item, Verdict
from kit.process import in_order, run, supervise
from kit.testing.letters import PATH, Letters, keyring


class Deadly(Letters):
    """A delivery that holds the word `deadly` kills the process that takes it apart."""

    def split(self, body: bytes) -> Sequence[Item]:
        """One item for each letter, if we live."""
        if b"deadly" in body:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().split(body)


async def _die() -> Verdict | None:
    os.kill(os.getpid(), signal.SIGKILL)
    return None


async def _hold() -> Verdict | None:
    await asyncio.sleep(3600)
    return None


async def _main(role: str, stop: asyncio.Event) -> None:
    database = await Database.open(os.environ["LETTERS_DATABASE_URL"], name=f"letters {role}", pool_size=4)
    lease = float(os.environ.get("LETTERS_LEASE", "20"))
    intake = Intake(database, [Deadly(trouble={"die": _die, "hold": _hold})], keyring(database), lease=lease)
    app = create_app(service="letters", title="Letters", mounts={PATH: intake.asgi("letters")})
    try:
        await in_order(
            stop,
            partial(serve, app, "127.0.0.1", int(os.environ["LETTERS_PORT"])),
            partial(supervise, intake.loops() if role == "worker" else ()),
        )
    finally:
        await database.close()


if __name__ == "__main__":
    run(partial(_main, sys.argv[1]))
