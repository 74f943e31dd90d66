"""An import whose workers die in the middle of what they write: no row is lost, none is imported twice."""

from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
from benchmarks.broadcast_chaos.setting import Setting, opened
from benchmarks.broadcast_chaos.story import begin_import

from inbox.imports.model import CHUNK
from kit.testing.databases import Databases

ROWS: Final = CHUNK + CHUNK // 4
BAD: Final = 50
"""One row in so many has no number."""
WRONG: Final = [each for each in range(ROWS - 2) if each % BAD == BAD - 1]
KILLS: Final = 2
KNOWN: Final = "+4917900000000"
_WAITING: Final = "SELECT pid FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid"
"""Who waits for the transaction that asks."""


def lines() -> str:
    """Two chunks of rows; of the last two one names the first again, and one somebody who is known from before."""
    rows = [f"Person {each},{'12' if each % BAD == BAD - 1 else f'+4917{each:08d}'}" for each in range(ROWS - 2)]
    return "\n".join(["name,phone", *rows, "Again,+491700000000", f"Changed,{KNOWN}"])


async def imported(setting: Setting, path: str) -> dict[str, Any]:
    told: dict[str, Any] = {}

    async def ended() -> bool:
        told.update(await setting.ask("GET", path))
        return bool(told["state"] != "running")

    await setting.workers.until(ended, lambda: f"the import has come to {told}", within=120)
    return told


async def killed_in_the_middle(
    setting: Setting, path: str, admin: "asyncpg.Connection[asyncpg.Record]", at_least: int
) -> None:
    """A worker dies while it writes a chunk and others are there: it waits for the row of somebody that we hold."""
    waiting: list[int] = []

    async def in_the_middle() -> bool:
        waiting[:] = [row["pid"] for row in await admin.fetch(_WAITING)]
        return bool(waiting) and (await setting.ask("GET", path))["made"] >= at_least

    async def nobody_waits() -> bool:
        return not await admin.fetch(_WAITING)

    await setting.workers.until(in_the_middle, lambda: f"{waiting} are writing", within=120)
    await setting.workers.kill()
    for pid in waiting:  # as its server does once it notices that its client is gone
        await admin.execute("SELECT pg_terminate_backend($1)", pid)
    await setting.workers.until(nobody_waits, lambda: "what was begun does not end", within=60)


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_killed_while_it_writes_an_import_goes_on_without_loss_and_without_doubles(
    databases: Databases, tmp_path: Path
) -> None:
    async with opened(databases, tmp_path, 1) as setting:
        await imported(setting, await begin_import(setting, f"name,phone\nKnown,{KNOWN}".encode()))
        admin = await asyncpg.connect(setting.place.admin_url)
        try:
            async with admin.transaction():
                await admin.execute("SELECT FROM inbox.contacts FOR UPDATE")
                path = await begin_import(setting, lines().encode(), mode="overwrite")
                for _ in range(KILLS):
                    await killed_in_the_middle(setting, path, admin, CHUNK // 2)
        finally:
            await admin.close()
        told = await imported(setting, path)
        made = ROWS - 2 - len(WRONG)
        counted = {name: told[name] for name in ("state", "rows", "made", "changed", "faulty", "unchanged")}
        assert counted == {
            "state": "finished",
            "rows": ROWS,
            "made": made,
            "changed": 1,
            "faulty": len(WRONG),
            "unchanged": 1,
        }
        assert await setting.count("SELECT count(*) FROM contacts") == made + 1
        phones = "SELECT count(DISTINCT blind) FROM contact_identities WHERE kind = 'phone'"
        assert await setting.count(phones) == made + 1
        report = (await setting.client.get(f"{path}/report", headers=setting.authorization())).text
        reported = [int(line.partition(",")[0]) for line in report.splitlines()[1:]]
        assert set(reported) == {*(each + 2 for each in WRONG), ROWS}
