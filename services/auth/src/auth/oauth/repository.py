from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from auth.oauth.model import MOST_GRANTS, Asked, Grant
from auth.sessions.errors import SessionEnded
from kit.db.database import Row, Transaction

_GRANT: Final = """
    id, client_id, user_id, organization_id, scopes, epoch, redirect_uri, code_challenge, nonce, authenticated_at,
    code_expires_at, code_used_at, counter, rotated_at, used_at, expires_at, strong, ended_at IS NOT NULL AS ended
"""


@dataclass(frozen=True, slots=True)
class RequestRepository:
    """Requests of programs that wait for a decision."""

    tx: Transaction

    async def add(self, asked: Asked, life: timedelta) -> None:
        """Let one wait."""
        await self.tx.execute(
            """
            INSERT INTO oauth_requests
                (id, client_id, redirect_uri, stated, scopes, state, nonce, code_challenge, asks_again, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, kit_now() + $10::interval)
            """,
            asked.id,
            asked.client_id,
            asked.redirect_uri,
            asked.stated,
            list(asked.scopes),
            asked.state,
            asked.nonce,
            asked.code_challenge,
            asked.asks_again,
            life,
        )

    async def find(self, request_id: UUID) -> Asked | None:
        """One that still waits."""
        row = await self.tx.fetchrow(
            """
            SELECT id, client_id, redirect_uri, stated, scopes, state, nonce, code_challenge, asks_again
            FROM oauth_requests
            WHERE id = $1 AND expires_at > kit_now()
            """,
            request_id,
        )
        return None if row is None else Asked(**row)

    async def take(self, request_id: UUID) -> bool:
        """Use one up; False when somebody has decided it meanwhile."""
        return await self.tx.execute("DELETE FROM oauth_requests WHERE id = $1", request_id) == 1

    async def purge(self, at_most: int) -> int:
        """Forget those that nobody decided."""
        return await self.tx.execute(
            """
            DELETE FROM oauth_requests
            WHERE id IN (SELECT id FROM oauth_requests WHERE expires_at < kit_now() LIMIT $1 FOR UPDATE SKIP LOCKED)
            """,
            at_most,
        )


@dataclass(frozen=True, slots=True)
class GrantRepository:
    """What people have granted."""

    tx: Transaction

    async def add(self, grant_id: UUID, asked: Asked, who: "Who", code_life: timedelta, life: timedelta) -> None:
        """Grant what was asked for."""
        await self.tx.execute(
            """
            INSERT INTO oauth_grants
                (id, client_id, user_id, organization_id, scopes, epoch, redirect_uri, code_challenge, nonce,
                 authenticated_at, strong, code_expires_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
                    kit_now() + $12::interval, kit_now() + $13::interval)
            """,
            grant_id,
            asked.client_id,
            who.user_id,
            who.organization_id,
            list(asked.scopes),
            who.epoch,
            asked.redirect_uri if asked.stated else None,
            asked.code_challenge,
            asked.nonce,
            who.authenticated_at,
            who.strong,
            code_life,
            life,
        )

    async def lock(self, grant_id: UUID) -> Grant | None:
        """A grant for update."""
        row = await self.tx.fetchrow(f"SELECT {_GRANT} FROM oauth_grants WHERE id = $1 FOR UPDATE", grant_id)  # noqa: S608 - ours
        return None if row is None else Grant(**row)

    async def find(self, grant_id: UUID) -> Grant | None:
        """A grant."""
        row = await self.tx.fetchrow(f"SELECT {_GRANT} FROM oauth_grants WHERE id = $1", grant_id)  # noqa: S608 - ours
        return None if row is None else Grant(**row)

    async def save_code_use(self, grant_id: UUID) -> None:
        """The code is used up."""
        await self.tx.execute(
            "UPDATE oauth_grants SET code_used_at = kit_now(), used_at = kit_now() WHERE id = $1", grant_id
        )

    async def save_refresh(self, grant_id: UUID, counter: int) -> None:
        """Record a refresh; the grace begins anew only when the counter has moved."""
        await self.tx.execute(
            """
            UPDATE oauth_grants
            SET used_at = kit_now(), counter = $2,
                rotated_at = CASE WHEN counter < $2 THEN kit_now() ELSE rotated_at END
            WHERE id = $1
            """,
            grant_id,
            counter,
        )

    async def end(self, grant_id: UUID, because: str) -> bool:
        """End a grant; False when it had ended before."""
        touched = await self.tx.execute(
            "UPDATE oauth_grants SET ended_at = kit_now(), ended_because = $2 WHERE id = $1 AND ended_at IS NULL",
            grant_id,
            because,
        )
        return touched == 1

    async def end_all(self, user_id: UUID, client_id: UUID, because: str, *, but: int = 0) -> list[UUID]:
        """End what a person has granted to a program, but for so many of the newest."""
        rows = await self.tx.fetch(
            """
            UPDATE oauth_grants SET ended_at = kit_now(), ended_because = $3
            WHERE id IN (
                SELECT id FROM oauth_grants
                WHERE user_id = $1 AND client_id = $2 AND ended_at IS NULL AND expires_at > kit_now()
                ORDER BY id DESC
                OFFSET $4
            )
            RETURNING id
            """,
            user_id,
            client_id,
            because,
            but,
        )
        return [row["id"] for row in rows]

    async def end_weak(self, organization_id: UUID, because: str) -> list[UUID]:
        """End what was granted in an organization from sessions without a second factor.

        One that is being used just now is passed over: its next use finds that it is too weak.
        """
        rows = await self.tx.fetch(
            """
            UPDATE oauth_grants SET ended_at = kit_now(), ended_because = $2
            WHERE id IN (
                SELECT id FROM oauth_grants
                WHERE organization_id = $1 AND NOT strong AND ended_at IS NULL
                FOR UPDATE SKIP LOCKED
            )
            RETURNING id
            """,
            organization_id,
            because,
        )
        return [row["id"] for row in rows]

    async def now(self) -> datetime:
        """The time as of the locks that are held."""
        now: datetime = await self.tx.fetchval("SELECT kit_now()")
        return now

    async def proven_in(self, session_id: UUID) -> tuple[datetime, bool]:
        """When somebody last proved in this session who they are, and whether ever with a second factor."""
        row = await self.tx.fetchrow(
            """
            SELECT greatest(proven_at, strong_at) AS proven_at, strong_at IS NOT NULL AS strong
            FROM sessions WHERE id = $1
            """,
            session_id,
        )
        if row is None:
            raise SessionEnded
        return row["proven_at"], row["strong"]

    async def is_revoked(self, session_id: UUID, principal_id: UUID) -> bool:
        """Whether gateways have been told to refuse this session of a program that acts for nobody."""
        found: bool = await self.tx.fetchval(
            "SELECT EXISTS (SELECT FROM revocations WHERE user_id = $2 AND session_id = ANY (ARRAY[$1, $2]))",
            session_id,
            principal_id,
        )
        return found

    async def purge(self, kept_for: timedelta, at_most: int) -> int:
        """Forget grants that ended, or would have, so long ago."""
        return await self.tx.execute(
            """
            DELETE FROM oauth_grants
            WHERE id IN (
                SELECT id FROM oauth_grants
                WHERE ended_at < kit_now() - $1::interval OR expires_at < kit_now() - $1::interval
                LIMIT $2 FOR UPDATE SKIP LOCKED
            )
            """,
            kept_for,
            at_most,
        )


@dataclass(frozen=True, slots=True)
class Who:
    """Who grants something, where, and when they proved who they are."""

    user_id: UUID
    organization_id: UUID
    epoch: int
    authenticated_at: datetime
    strong: bool


@dataclass(frozen=True, slots=True)
class ConsentRepository:
    """What people have agreed to and need not be asked again."""

    tx: Transaction

    async def remember(self, user_id: UUID, client_id: UUID, organization_id: UUID, scopes: Sequence[str]) -> None:
        """Remember a consent, with what was agreed to before."""
        await self.tx.execute(
            """
            INSERT INTO oauth_consents AS held (user_id, client_id, organization_id, scopes)
            VALUES ($1, $2, $3, $4)
            ON CONFLICT (user_id, client_id, organization_id) DO UPDATE
            SET scopes = ARRAY(SELECT DISTINCT s FROM unnest(held.scopes || excluded.scopes) AS s ORDER BY s),
                given_at = kit_now()
            """,
            user_id,
            client_id,
            organization_id,
            list(scopes),
        )

    async def of(self, user_id: UUID, client_id: UUID) -> dict[UUID, frozenset[str]]:
        """By organization, what a person has agreed to for one program."""
        rows = await self.tx.fetch(
            "SELECT organization_id, scopes FROM oauth_consents WHERE user_id = $1 AND client_id = $2",
            user_id,
            client_id,
        )
        return {row["organization_id"]: frozenset(row["scopes"]) for row in rows}

    async def forget(self, user_id: UUID, client_id: UUID) -> int:
        """Forget all of one program."""
        return await self.tx.execute(
            "DELETE FROM oauth_consents WHERE user_id = $1 AND client_id = $2", user_id, client_id
        )


@dataclass(frozen=True, slots=True)
class PersonsGrants:
    """What one person has agreed to and granted."""

    tx: Transaction

    async def apps(self, user_id: UUID, at_most: int) -> list[Row]:
        """The programs that may act for a person, each in each organization, and when they last did."""
        return await self.tx.fetch(
            """
            SELECT c.client_id, program.name, c.organization_id, c.scopes, c.given_at, last.used_at AS last_used_at
            FROM oauth_consents AS c
            CROSS JOIN LATERAL oauth_client(c.client_id) AS program
            LEFT JOIN LATERAL (
                SELECT max(g.used_at) AS used_at FROM oauth_grants AS g
                WHERE g.user_id = c.user_id AND g.client_id = c.client_id AND g.organization_id = c.organization_id
            ) AS last ON true
            WHERE c.user_id = $1 AND NOT program.ended
            ORDER BY c.client_id, c.organization_id
            LIMIT $2
            """,
            user_id,
            at_most,
        )

    async def consents(self, user_id: UUID) -> list[Row]:
        """What they have agreed to."""
        return await self.tx.fetch(
            """
            SELECT client_id, organization_id, scopes, given_at FROM oauth_consents
            WHERE user_id = $1 ORDER BY client_id, organization_id
            """,
            user_id,
        )

    async def page(self, user_id: UUID, after: UUID | None, at_most: int) -> list[Row]:
        """What they have granted; no code, and nothing to make one of."""
        return await self.tx.fetch(
            """
            SELECT id, client_id, organization_id, scopes, redirect_uri, authenticated_at, strong, used_at,
                   expires_at, ended_at, ended_because, created_at
            FROM oauth_grants
            WHERE user_id = $1 AND id > $2
            ORDER BY id
            LIMIT $3
            """,
            user_id,
            after or UUID(int=0),
            at_most,
        )

    async def delete(self, user_id: UUID, at_most: int) -> int:
        """Forget what they have granted; whoever uses it just now is waited for."""
        return await self.tx.execute(
            """
            DELETE FROM oauth_grants
            WHERE id IN (SELECT id FROM oauth_grants WHERE user_id = $1 ORDER BY id LIMIT $2 FOR UPDATE)
            """,
            user_id,
            at_most,
        )

    async def delete_consents(self, user_id: UUID) -> int:
        """Forget what they have agreed to."""
        return await self.tx.execute("DELETE FROM oauth_consents WHERE user_id = $1", user_id)


MOST_APPS: Final = 10 * MOST_GRANTS
