from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from auth.challenges.model import MOST_TRIES, Challenge, Purpose
from contracts import Event
from kit.db.database import Database, Row, Transaction
from kit.errors import Unauthenticated
from kit.mail import Queueing

_FIELDS = """
    id, purpose, kind, blind, identity_id, user_id, known, sealed, password_hash,
    sessions_from_epoch AS epoch, locale, expires_at <= kit_now() AS expired, used_at IS NOT NULL AS used
"""

_BEGIN = f"""
    SELECT {_FIELDS}
    FROM begin_challenge($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::interval, $12::integer, $13, $14::interval)
"""  # noqa: S608 - ours


def lock_of(blind: bytes) -> int:
    """The lock under which those wait for one another that are about one address, whether or not somebody has it."""
    return int.from_bytes(blind[:8], signed=True)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A challenge that is to begin, if there were fewer than `at_most` of its address and purpose lately.

    With `again` it takes the password of the newest one of its address and purpose, or none.
    """

    challenge: Challenge
    life: timedelta
    at_most: int
    within: timedelta
    again: bool = False

    @property
    def values(self) -> tuple[Any, ...]:
        """The parameters of the call, the lock of the address first."""
        one = self.challenge
        return (
            lock_of(one.blind),
            one.id,
            one.purpose,
            one.kind,
            one.blind,
            one.identity_id,
            one.user_id,
            one.sealed,
            one.password_hash,
            one.locale,
            self.life,
            self.at_most,
            self.again,
            self.within,
        )


async def begin_at_once(database: Database, wanted: Wanted, mail: Queueing, event: Event) -> Challenge | None:
    """Begin a challenge with its mail and its event, in one statement and one round trip."""
    mailed = mail.call(len(wanted.values) + 1, about="begun.identity_id")
    begun = f"SELECT begun.*, {mailed} AS mailed FROM ({_BEGIN}) AS begun"  # noqa: S608 - ours
    return _challenge(await database.insert_emitting(None, begun, *wanted.values, *mail.values, event=event))


@dataclass(frozen=True, slots=True)
class ChallengeRepository:
    """Challenges, of known and unknown addresses alike."""

    tx: Transaction

    async def lock_address(self, blind: bytes) -> None:
        """Let those that are about one address wait for one another, whether or not somebody has it."""
        await self.tx.execute("SELECT pg_advisory_xact_lock($1)", lock_of(blind))

    async def add(self, wanted: Wanted) -> Challenge | None:
        """Begin a challenge for whoever has the address now; None when there were too many."""
        return _challenge(await self.tx.fetchrow(_BEGIN, *wanted.values))

    async def add_own(self, wanted: Challenge, life: timedelta) -> Challenge:
        """Begin a challenge of somebody who is known, in their language: it is theirs, whoever has the address.

        Raises:
            Unauthenticated: the account is gone.
        """
        row = await self.tx.fetchrow(
            f"""
            INSERT INTO challenges (id, purpose, kind, blind, identity_id, user_id, known, sealed,
                                    sessions_from_epoch, locale, expires_at)
            SELECT $1, $2, $3, $4, $5, $6, true, $7, u.sessions_from_epoch, u.locale, kit_now() + $8::interval
            FROM users AS u WHERE u.id = $6
            RETURNING {_FIELDS}
            """,  # noqa: S608 - ours
            wanted.id,
            wanted.purpose,
            wanted.kind,
            wanted.blind,
            wanted.identity_id,
            wanted.user_id,
            wanted.sealed,
            life,
        )
        begun = _challenge(row)
        if begun is None:
            raise Unauthenticated
        return begun

    async def lately(self, user_id: UUID, blind: bytes, purpose: Purpose, within: timedelta) -> int:
        """How many of this purpose one person began lately, or anybody for an address: the larger number."""
        counted: int = await self.tx.fetchval(
            """
            SELECT greatest(
                (SELECT count(*) FROM challenges
                 WHERE user_id = $1 AND purpose = $3 AND created_at > kit_now() - $4::interval),
                (SELECT count(*) FROM challenges
                 WHERE blind = $2 AND purpose = $3 AND created_at > kit_now() - $4::interval))
            """,
            user_id,
            blind,
            purpose,
            within,
        )
        return counted

    async def void_later(self, challenge: Challenge) -> None:
        """Use up those of the same purpose and person that were begun after this one; older ones stay good.

        Who takes an account over can change the address twice, and so has a link of this kind, too: it must not
        outlive, nor void, that of the owner.
        """
        await self.tx.execute(
            """
            UPDATE challenges SET used_at = coalesce(used_at, kit_now())
            WHERE user_id = $1 AND purpose = $2 AND id > $3
            """,
            challenge.user_id,
            challenge.purpose,
            challenge.id,
        )

    async def find(self, challenge_id: UUID) -> Challenge | None:
        """A challenge."""
        return _challenge(await self.tx.fetchrow(f"SELECT {_FIELDS} FROM challenges WHERE id = $1", challenge_id))  # noqa: S608 - ours

    async def attempt(self, challenge_id: UUID) -> Challenge | None:
        """Count a try of a code before it is made; None when there may be none any more."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE challenges SET tries = tries + 1
            WHERE id = $1 AND kind = 'phone' AND tries < $2 AND used_at IS NULL AND expires_at > kit_now()
            RETURNING {_FIELDS}
            """,  # noqa: S608 - ours
            challenge_id,
            MOST_TRIES,
        )
        return _challenge(row)

    async def use(self, challenge_id: UUID) -> Challenge | None:
        """Use one up; None when it was used or has expired meanwhile, or sessions were ended since it was begun.

        Only bringing a former address back outlives these: whoever took the account over would end all sessions.
        """
        row = await self.tx.fetchrow(
            f"""
            UPDATE challenges SET used_at = kit_now()
            WHERE id = $1 AND used_at IS NULL AND expires_at > kit_now()
              AND (NOT known OR purpose = 'undo' OR sessions_from_epoch IS NOT DISTINCT FROM
                   (SELECT u.sessions_from_epoch FROM users AS u WHERE u.id = challenges.user_id FOR UPDATE))
            RETURNING {_FIELDS}
            """,  # noqa: S608 - ours
            challenge_id,
        )
        return _challenge(row)

    async def void(self, blind: bytes, purpose: Purpose) -> None:
        """Use up all of one purpose for an address."""
        await self.tx.execute(
            """
            UPDATE challenges SET used_at = coalesce(used_at, kit_now()), password_hash = ''
            WHERE blind = $1 AND purpose = $2
            """,
            blind,
            purpose,
        )

    async def of(self, user_id: UUID, blinds: Collection[bytes]) -> list[Row]:
        """Those of one person, or for an address of theirs."""
        return await self.tx.fetch(
            """
            SELECT purpose, kind, created_at, expires_at, used_at FROM challenges
            WHERE user_id = $1 OR blind = ANY ($2)
            ORDER BY id
            """,
            user_id,
            list(blinds),
        )

    async def delete(self, user_id: UUID, blinds: Collection[bytes]) -> int:
        """Forget those of one person, and those for an address of theirs."""
        return await self.tx.execute(
            "DELETE FROM challenges WHERE user_id = $1 OR blind = ANY ($2)", user_id, list(blinds)
        )

    async def purge(self, after: timedelta, at_most: int) -> int:
        """Forget those that ended so long ago."""
        return await self.tx.execute(
            """
            DELETE FROM challenges
            WHERE id IN (SELECT id FROM challenges WHERE expires_at < kit_now() - $1::interval LIMIT $2)
            """,
            after,
            at_most,
        )


def _challenge(row: Row | None) -> Challenge | None:
    if row is None:
        return None
    fields = {name: value for name, value in row.items() if name != "mailed"}
    return Challenge(**{**fields, "purpose": Purpose(row["purpose"])})
