"""`python -m kit.testing.schemas auth billing …`: write each service's schema.sql again from its migrations."""

import asyncio
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import asyncpg

from kit.db.describe import describe
from kit.testing.databases import Databases


async def write(services: Sequence[str]) -> None:
    """Apply all migrations of each service to a database of its own and describe what came of it."""
    databases = Databases()
    try:
        for service in services:
            package = import_module(f"{service}.migrations")
            place = await databases.clone({service: package})
            connection = await asyncpg.connect(place.admin_url)
            text = await describe(connection, place.roles(service))
            await connection.close()
            target = Path(package.__path__[0]) / "schema.sql"
            await asyncio.to_thread(target.write_text, text, encoding="utf-8")
            sys.stdout.write(f"{service}: {len(text.splitlines())} lines\n")
    finally:
        await databases.close()


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1:]))
