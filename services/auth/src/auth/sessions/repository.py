from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auth.sessions.model import Revocation, Session, Standing
from kit.db.database import Row, Transaction
from kit.errors import Unauthenticated
from kit.ids import new_id


@dataclass(frozen=True, slots=True)
class SessionRepository:
    """Sessions, and where their users stand."""

    tx: Transaction

    async def add(  # noqa: PLR0917 - what a session is made of
        self,
        session_id: UUID,
        user_id: UUID,
        standing: Standing,
        life: timedelta,
        proofs: Collection[str],
        strong: bool,
    ) -> bool:
        """Begin a session; one that was begun while all were being ended has ended too.

        False when the account is gone; while it is being deleted this waits.
        """
        added = await self.tx.execute(
            """
            INSERT INTO sessions (id, user_id, epoch, organization_id, expires_at, proofs, strong_at)
            SELECT $1, u.id, $3, $4, kit_now() + $5::interval, $6, CASE WHEN $7 THEN kit_now() END
            FROM users AS u
            WHERE u.id = $2
            FOR KEY SHARE
            """,
            session_id,
            user_id,
            standing.epoch,
            standing.organization_id,
            life,
            sorted(proofs),
            strong,
        )
        return added == 1

    async def came_through(self, session_id: UUID, identity_provider_id: UUID) -> None:
        """Remember the organization's identity provider by whose word a session began."""
        await self.tx.execute(
            "UPDATE sessions SET identity_provider_id = $2 WHERE id = $1", session_id, identity_provider_id
        )

    async def lock(self, session_id: UUID) -> tuple[Session, datetime] | None:
        """A session for update, and the time as of the question."""
        row = await self.tx.fetchrow(
            """
            SELECT id, user_id, epoch, organization_id, counter, rotated_at, used_at, expires_at,
                   ended_at IS NOT NULL AS ended, kit_now() AS now
            FROM sessions
            WHERE id = $1
            FOR NO KEY UPDATE
            """,
            session_id,
        )
        if row is None:
            return None
        fields = dict(row)
        now: datetime = fields.pop("now")
        return Session(**fields), now

    async def standing(self, user_id: UUID, organization_id: UUID | None) -> Standing | None:
        """Epochs and role as of one moment, so that no token says an old role under a new epoch.

        With an organization the transaction must be bound to it. None when there is no such user.
        """
        if organization_id is None:
            row = await self.tx.fetchrow(
                "SELECT epoch, sessions_from_epoch, suspended_at IS NOT NULL AS suspended FROM users WHERE id = $1",
                user_id,
            )
            return None if row is None else Standing(**row)
        row = await self.tx.fetchrow(
            """
            SELECT u.epoch, u.sessions_from_epoch, u.suspended_at IS NOT NULL AS suspended, m.role
            FROM users AS u LEFT JOIN members AS m ON m.user_id = u.id AND m.organization_id = $2
            WHERE u.id = $1
            """,
            user_id,
            organization_id,
        )
        if row is None:
            return None
        where = organization_id if row["role"] is not None else None
        return Standing(row["epoch"], row["sessions_from_epoch"], where, row["role"], row["suspended"])

    async def save_use(self, session: Session, counter: int, organization_id: UUID | None) -> None:
        """Record a refresh; the grace begins anew only when the counter has moved."""
        await self.tx.execute(
            """
            UPDATE sessions
            SET organization_id = $3, used_at = kit_now(),
                rotated_at = CASE WHEN counter < $2 THEN kit_now() ELSE rotated_at END, counter = $2
            WHERE id = $1
            """,
            session.id,
            counter,
            organization_id,
        )

    async def end(self, session_id: UUID, user_id: UUID, because: str) -> bool:
        """End a session; False when it has ended before, or is not this user's."""
        touched = await self.tx.execute(
            """
            UPDATE sessions SET ended_at = kit_now(), ended_because = $3
            WHERE id = $1 AND user_id = $2 AND ended_at IS NULL
            """,
            session_id,
            user_id,
            because,
        )
        return touched == 1

    async def raise_epoch(self, user_id: UUID, *, by: int, end_sessions: bool = False) -> tuple[int, int]:
        """Void older access tokens, and with `end_sessions` the sessions too; returns the new epoch and version.

        Raises:
            Unauthenticated: the account is gone.
        """
        row = await self.tx.fetchrow(
            """
            UPDATE users
            SET epoch = epoch + $2, version = version + 1,
                sessions_from_epoch = CASE WHEN $3 THEN epoch + $2 ELSE sessions_from_epoch END
            WHERE id = $1
            RETURNING epoch, version
            """,
            user_id,
            by,
            end_sessions,
        )
        if row is None:
            raise Unauthenticated
        return row["epoch"], row["version"]

    async def add_revocation(self, user_id: UUID, session_id: UUID | None, epoch: int) -> None:
        """Let gateways that ask know."""
        await self.tx.execute(
            "INSERT INTO revocations (id, user_id, session_id, epoch) VALUES ($1, $2, $3, $4)",
            new_id(),
            user_id,
            session_id,
            epoch,
        )

    async def revocations(self, since: timedelta) -> tuple[datetime, list[Revocation]]:
        """The platform's time and what ended lately, oldest first."""
        now: datetime = await self.tx.fetchval("SELECT kit_now()")
        rows = await self.tx.fetch(
            """
            SELECT user_id, session_id, epoch, revoked_at
            FROM revocations
            WHERE revoked_at > kit_now() - $1::interval
            ORDER BY revoked_at, id
            """,
            since,
        )
        return now, [Revocation(**row) for row in rows]

    async def purge(self, kept_for: timedelta, at_most: int) -> int:
        """Forget sessions that expired, and revocations that have become pointless, so long ago."""
        return await self.tx.execute(
            """
            DELETE FROM sessions
            WHERE id IN (SELECT id FROM sessions WHERE expires_at < kit_now() - $1::interval LIMIT $2)
            """,
            kept_for,
            at_most,
        ) + await self.tx.execute(
            """
            DELETE FROM revocations
            WHERE id IN (SELECT id FROM revocations WHERE revoked_at < kit_now() - interval '1 hour' LIMIT $1)
            """,
            at_most,
        )


@dataclass(frozen=True, slots=True)
class PersonsSessions:
    """Sessions of one user, and what gateways must refuse of theirs."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, at_most: int) -> list[Row]:
        """Sessions in the order of their ids, without anything that a token could be made of."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, created_at, used_at, expires_at, ended_at, ended_because
            FROM sessions
            WHERE user_id = $1 AND id > $2
            ORDER BY id
            LIMIT $3
            """,
            user_id,
            after or UUID(int=0),
            at_most,
        )

    async def revocations(self, user_id: UUID) -> list[Row]:
        """What ended lately."""
        return await self.tx.fetch(
            "SELECT session_id, revoked_at FROM revocations WHERE user_id = $1 ORDER BY revoked_at, id", user_id
        )

    async def delete(self, user_id: UUID, at_most: int) -> int:
        """Forget sessions; whoever uses one just now is waited for."""
        return await self.tx.execute(
            """
            DELETE FROM sessions
            WHERE id IN (SELECT id FROM sessions WHERE user_id = $1 ORDER BY id LIMIT $2 FOR UPDATE)
            """,
            user_id,
            at_most,
        )

    async def lock_user(self, user_id: UUID) -> bool:
        """Let nobody sign in until we commit; False when the account is gone."""
        found = await self.tx.fetchval("SELECT true FROM users WHERE id = $1 FOR UPDATE", user_id)
        return bool(found)

    async def delete_revocations_but_last(self, user_id: UUID) -> int:
        """Forget what ended before, once all has ended."""
        return await self.tx.execute(
            """
            DELETE FROM revocations
            WHERE user_id = $1
              AND (session_id IS NOT NULL OR epoch < (SELECT max(epoch) FROM revocations WHERE user_id = $1))
            """,
            user_id,
        )


@dataclass(frozen=True, slots=True)
class AttemptRepository:
    """Attempts to sign in, per keyed hash of what was typed."""

    tx: Transaction

    async def claim(
        self, identifier: bytes, free: int, longest: timedelta, forget_after: timedelta
    ) -> timedelta | None:
        """Count an attempt before it is made; beyond `free` of them each doubles the wait until the next.

        Returns:
            How long to wait, when none may be made now; else None.
        """
        counted = await self.tx.fetchval(
            """
            INSERT INTO sign_in_attempts AS held (identifier, failures, last_at, blocked_until)
            VALUES ($1, 1, kit_now(), kit_now())
            ON CONFLICT (identifier) DO UPDATE
            SET failures = CASE WHEN held.last_at < kit_now() - $4::interval THEN 1
                                ELSE least(held.failures + 1, 1000000) END,
                last_at = kit_now(),
                blocked_until = kit_now() + CASE
                    WHEN held.last_at < kit_now() - $4::interval OR held.failures < $2::integer THEN interval '0'
                    ELSE least(interval '1 second' * 2 ^ least(held.failures - $2::integer, 10), $3::interval) END
            WHERE held.blocked_until <= kit_now()
            RETURNING true
            """,
            identifier,
            free,
            longest,
            forget_after,
        )
        if counted:
            return None
        wait: timedelta | None = await self.tx.fetchval(
            "SELECT blocked_until - kit_now() FROM sign_in_attempts WHERE identifier = $1", identifier
        )
        return wait or timedelta(seconds=1)

    async def forget(self, identifiers: Collection[bytes]) -> int:
        """Count these no more: it was the right password, or they are to be forgotten."""
        return await self.tx.execute("DELETE FROM sign_in_attempts WHERE identifier = ANY ($1)", sorted(identifiers))

    async def of(self, identifiers: Collection[bytes]) -> list[Row]:
        """What is counted of these."""
        return await self.tx.fetch(
            "SELECT failures, last_at, blocked_until FROM sign_in_attempts WHERE identifier = ANY ($1)",
            list(identifiers),
        )

    async def purge(self, kept_for: timedelta, at_most: int) -> int:
        """Forget attempts made so long ago."""
        return await self.tx.execute(
            """
            DELETE FROM sign_in_attempts
            WHERE identifier IN (
                SELECT identifier FROM sign_in_attempts
                WHERE last_at < kit_now() - $1::interval
                LIMIT $2 FOR UPDATE SKIP LOCKED
            )
            """,
            kept_for,
            at_most,
        )
