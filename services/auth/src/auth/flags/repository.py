from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from auth.flags.model import Flag, Rules
from kit.db.database import Row, Transaction
from kit.ids import new_id

_COLUMNS: Final = """
    f.id, f.key, f.sentence, f.by_default, f.killed, f.percentage, f.counted_by, f.organizations, f.plans, f.version,
    f.changed_by, f.changed_at, f.created_at
"""


@dataclass(frozen=True, slots=True)
class FlagRepository:
    """Flags and for whom they are on."""

    tx: Transaction

    async def add(self, key: str, sentence: str, rules: Rules, by: UUID) -> bool:
        """Make a flag, unless there is one of this key."""
        made = await self.tx.execute(
            """
            INSERT INTO flags
                (key, sentence, by_default, killed, percentage, counted_by, organizations, plans, changed_by, id)
            VALUES ($1, $2, $3, $4, $5::float8::numeric, $6, $7, $8, $9, $10)
            ON CONFLICT (key) DO NOTHING
            """,
            key,
            sentence,
            rules.by_default,
            rules.killed,
            rules.percentage,
            rules.counted_by,
            list(rules.organizations),
            sorted(rules.plans),
            by,
            new_id(),
        )
        if made:
            await self._set_users(key, rules.users)
        return made == 1

    async def count(self) -> int:
        """How many flags there are."""
        return int(await self.tx.fetchval("SELECT count(*) FROM flags"))

    async def find(self, key: str, *, lock: bool = False) -> Flag | None:
        """One flag."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM flags AS f WHERE f.key = $1 {'FOR UPDATE' if lock else ''}",  # noqa: S608 - ours
            key,
        )
        return None if row is None else _flag(row, await self._users(key))

    async def page(self, after: str, limit: int) -> list[Flag]:
        """Flags by key."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM flags AS f WHERE f.key > $1 ORDER BY f.key LIMIT $2",  # noqa: S608 - ours
            after,
            limit,
        )
        users = await self.tx.fetch(
            "SELECT flag_key, user_id FROM flag_users WHERE flag_key = ANY ($1)", [row["key"] for row in rows]
        )
        named: dict[str, set[UUID]] = {}
        for each in users:
            named.setdefault(each["flag_key"], set()).add(each["user_id"])
        return [_flag(row, named.get(row["key"], ())) for row in rows]

    async def for_user(self, user_id: UUID) -> list[tuple[str, Rules]]:
        """All flags as far as they concern one user: of those named, only this one."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS}, u.user_id AS named FROM flags AS f
            LEFT JOIN flag_users AS u ON u.flag_key = f.key AND u.user_id = $1
            """,  # noqa: S608 - the columns are a constant
            user_id,
        )
        return [(row["key"], _rules(row, [row["named"]] if row["named"] else ())) for row in rows]

    async def plan_of(self, organization_id: UUID) -> str:
        """On which plan the organization is that the transaction is bound to, as billing last said."""
        plan: str | None = await self.tx.fetchval(
            "SELECT plan FROM quota_limits WHERE organization_id = $1", organization_id
        )
        return plan or ""

    async def save(self, flag: Flag, by: UUID) -> Flag:
        """Give a flag its next version."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE flags AS f
            SET sentence = $2, by_default = $3, killed = $4, percentage = $5::float8::numeric, counted_by = $6,
                organizations = $7, plans = $8, changed_by = $9, changed_at = kit_now(), version = f.version + 1
            WHERE f.key = $1 RETURNING {_COLUMNS}
            """,  # noqa: S608 - the columns are a constant
            flag.key,
            flag.sentence,
            flag.rules.by_default,
            flag.rules.killed,
            flag.rules.percentage,
            flag.rules.counted_by,
            list(flag.rules.organizations),
            sorted(flag.rules.plans),
            by,
        )
        if row is None:
            raise LookupError("a locked flag is gone")
        await self._set_users(flag.key, flag.rules.users)
        return _flag(row, flag.rules.users)

    async def delete(self, key: str) -> None:
        """Take a flag away."""
        await self.tx.execute("DELETE FROM flags WHERE key = $1", key)

    async def of_person(self, user_id: UUID) -> list[Row]:
        """Flags that are on for somebody by name."""
        return await self.tx.fetch(
            "SELECT flag_key, user_id FROM flag_users WHERE user_id = $1 ORDER BY flag_key", user_id
        )

    async def forget(self, user_id: UUID) -> int:
        """Name somebody in no flag any more."""
        return await self.tx.execute("DELETE FROM flag_users WHERE user_id = $1", user_id)

    async def _users(self, key: str) -> list[UUID]:
        rows = await self.tx.fetch("SELECT user_id FROM flag_users WHERE flag_key = $1", key)
        return [row["user_id"] for row in rows]

    async def _set_users(self, key: str, users: Collection[UUID]) -> None:
        await self.tx.execute(
            "DELETE FROM flag_users WHERE flag_key = $1 AND user_id <> ALL ($2::uuid[])", key, list(users)
        )
        await self.tx.execute(
            """
            INSERT INTO flag_users (flag_key, user_id) SELECT $1, id FROM users WHERE id = ANY ($2::uuid[])
            ON CONFLICT DO NOTHING
            """,
            key,
            list(users),
        )


def _rules(row: Row, users: Collection[UUID]) -> Rules:
    return Rules(
        by_default=row["by_default"],
        killed=row["killed"],
        percentage=float(row["percentage"]),
        counted_by=row["counted_by"],
        organizations=frozenset(row["organizations"]),
        plans=frozenset(row["plans"]),
        users=frozenset(users),
    )


def _flag(row: Row, users: Collection[UUID]) -> Flag:
    return Flag(
        id=row["id"],
        key=row["key"],
        sentence=row["sentence"],
        rules=_rules(row, users),
        version=row["version"],
        changed_by=row["changed_by"],
        changed_at=row["changed_at"],
        created_at=row["created_at"],
    )
