"""An import whose workers are killed while they write: no row is lost, none is doubled, and the report is whole."""

import csv
import io
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from benchmarks.broadcast_chaos.setting import Setting, opened
from benchmarks.broadcast_chaos.story import FIRST, begin_import

from kit.testing.databases import Databases
from kit.testing.programs import eventually

ROWS = 12_000
FAULTY, REPEATED = 50, 97
"""Each fiftieth row has a number that is none; each 97th has that of the first row."""

_WAITS = """
    SELECT EXISTS (
        SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
        WHERE datname = current_database() AND relation = 'inbox.contacts'::regclass AND NOT granted
    )
"""


def number(row: int) -> str:
    """By its line in the file, of which the first is the heading."""
    if row % FAULTY == 0:
        return "12"
    return f"+{FIRST + (2 if row % REPEATED == 0 else row)}"


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_workers_killed_in_the_middle_of_an_import_lose_and_double_nothing(
    databases: Databases, tmp_path: Path
) -> None:
    numbers = {row: number(row) for row in range(2, ROWS + 2)}
    content = "\n".join(["name,phone", *(f"Person {row},{told}" for row, told in numbers.items())]).encode()
    faulty = {row for row in numbers if row % FAULTY == 0}
    repeated = {row for row in numbers if row % REPEATED == 0} - faulty
    async with opened(databases, tmp_path, 2) as setting:
        path = await begin_import(setting, content)
        for _ in range(2):
            await killed_while_they_write(setting)
        told: dict[str, Any] = {}

        async def finished() -> bool:
            told.update(await setting.ask("GET", path))
            return bool(told["state"] == "finished")

        await setting.workers.until(finished, lambda: f"the import has come to {told}", within=150)
        made = ROWS - len(faulty) - len(repeated)
        assert {name: told[name] for name in ("rows", "made", "changed", "unchanged", "faulty")} == {
            "rows": ROWS,
            "made": made,
            "changed": 0,
            "unchanged": len(repeated),
            "faulty": len(faulty),
        }
        assert await setting.count("SELECT count(*) FROM contacts") == made
        assert await setting.count("SELECT count(*) FROM contact_identities WHERE kind = 'phone'") == made
        answer = await setting.client.get(f"{path}/report", headers=setting.authorization())
        lines = list(csv.reader(io.StringIO(answer.text)))[1:]
    codes = Counter((int(line[0]), line[2]) for line in lines)
    assert set(codes) == {(row, code) for row in faulty for code in ("bad-phone", "no-identity")} | {
        (row, "repeated") for row in repeated
    }
    assert max(codes.values()) == 1, "a row is told of once"


async def killed_while_they_write(setting: Setting) -> None:
    """A lock lets them stop where contacts are written, and there all of them die at once."""
    connection = await asyncpg.connect(setting.place.admin_url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE inbox.contacts IN SHARE MODE")

            async def one_writes() -> bool:
                await setting.workers.mend()
                return bool(await connection.fetchval(_WAITS))

            await eventually(one_writes, within=120)
            for _ in list(setting.workers.members):
                await setting.workers.kill()
    finally:
        await connection.close()
