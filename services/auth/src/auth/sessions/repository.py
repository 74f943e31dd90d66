from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from auth.factors.repository import ENROLLED, offered
from auth.sessions.model import Revocation, Session, Standing, Strength
from auth.sign_ins.model import SECOND, Proof, strong
from kit.db.database import Row, Transaction
from kit.errors import Unauthenticated
from kit.ids import AFTER_ALL, new_id


@dataclass(frozen=True, slots=True)
class Use:
    """What is recorded of a refresh: which token was shown, and which is the current one now."""

    session_id: UUID
    shown: int
    counter: int
    retry: bool
    organization_id: UUID | None
    visitor_sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Listed:
    """A session as its owner is shown it, still sealed."""

    id: UUID
    organization_id: UUID | None
    proofs: Sequence[str]
    visitor_sealed: bytes | None = field(repr=False)
    created_at: datetime
    expires_at: datetime
    used_at: datetime
    seen_at: datetime
    proven_at: datetime
    strong_at: datetime | None
    device_id: UUID | None
    name_sealed: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Raised:
    """A user whose older access tokens are void."""

    user_id: UUID
    epoch: int
    version: int


@dataclass(frozen=True, slots=True)
class SessionRepository:
    """Sessions, and where their users stand."""

    tx: Transaction

    async def through(self, session_id: UUID) -> UUID | None:
        """The organization's identity provider by whose word a session began, if by one."""
        found: UUID | None = await self.tx.fetchval(
            "SELECT identity_provider_id FROM sessions WHERE id = $1", session_id
        )
        return found

    async def lock(self, session_id: UUID) -> tuple[Session, datetime] | None:
        """A session for update, and the time as of the question."""
        row = await self.tx.fetchrow(
            """
            SELECT s.id, s.user_id, s.epoch, s.organization_id, s.counter, s.rotated_at, s.used_at, s.expires_at,
                   s.ended_at IS NOT NULL OR (
                       s.identity_provider_id IS NOT NULL AND NOT provider_is_active(s.identity_provider_id)
                   ) AS ended, s.identity_provider_id AS through, s.strong_at IS NOT NULL AS strong,
                   d.token_id AS device, s.confirmed, s.retried, kit_now() AS now
            FROM sessions AS s LEFT JOIN devices AS d ON d.id = s.device_id
            WHERE s.id = $1
            FOR NO KEY UPDATE OF s
            """,
            session_id,
        )
        if row is None:
            return None
        fields = dict(row)
        now: datetime = fields.pop("now")
        return Session(**fields), now

    async def standing(self, user_id: UUID, organization_id: UUID | None, *, hold: bool = False) -> Standing | None:
        """Epochs and role as of one moment, so that no token says an old role under a new epoch.

        With `hold` the account is kept from being deleted until we commit, which waits while it is deleted; and the
        second factors are told.

        The role is that of a member, or else that in which an agency sends them. With an organization the transaction
        must be bound to it. None when there is no such user.
        """
        held, more = ("FOR KEY SHARE OF u", f", {ENROLLED}") if hold else ("", "")
        if organization_id is None:
            row = await self.tx.fetchrow(
                f"""
                SELECT u.epoch, u.sessions_from_epoch, u.suspended_at IS NOT NULL AS suspended {more}
                FROM users AS u WHERE u.id = $1 {held}
                """,  # noqa: S608 - ours
                user_id,
            )
            if row is None:
                return None
            epochs = row["epoch"], row["sessions_from_epoch"]
            return Standing(*epochs, suspended=row["suspended"], factors=offered(row) if hold else ())
        row = await self.tx.fetchrow(
            f"""
            SELECT u.epoch, u.sessions_from_epoch, u.suspended_at IS NOT NULL AS suspended,
                   coalesce(m.role, sent.role) AS role, sent.agency_id, sent.ends_at AS until,
                   coalesce(m.role, sent.role) IS NOT NULL AND o.suspended_at IS NOT NULL AS organization_suspended,
                   coalesce(o.requires_second_factor, false) AS demanding,
                   EXISTS (SELECT FROM identity_providers AS p
                           WHERE p.organization_id = $2 AND p.enforced AND p.active) AS enforcing {more}
            FROM users AS u
            LEFT JOIN members AS m ON m.user_id = u.id AND m.organization_id = $2
            LEFT JOIN organizations AS o ON o.id = $2
            LEFT JOIN LATERAL delegated_to(CASE WHEN m.role IS NULL THEN u.id END, $2) AS sent ON true
            WHERE u.id = $1 {held}
            """,  # noqa: S608 - ours
            user_id,
            organization_id,
        )
        if row is None:
            return None
        shut: bool = row["organization_suspended"]
        role = None if shut else row["role"]
        return Standing(
            row["epoch"],
            row["sessions_from_epoch"],
            None if role is None else organization_id,
            role,
            suspended=row["suspended"],
            organization_suspended=shut,
            demanding=row["demanding"],
            enforcing=row["enforcing"],
            agency_id=None if shut else row["agency_id"],
            until=row["until"],
            factors=offered(row) if hold else (),
        )

    async def save_use(self, use: Use) -> None:
        """Record a refresh; the grace begins anew when the counter has moved, or its token was given once more."""
        await self.tx.execute(
            """
            UPDATE sessions
            SET organization_id = $3, used_at = kit_now(), counter = $2, visitor_sealed = $6,
                rotated_at = CASE WHEN counter < $2 OR $5 THEN kit_now() ELSE rotated_at END,
                confirmed = counter = $2 AND (confirmed OR $4 = $2),
                retried = counter = $2 AND (retried OR $5)
            WHERE id = $1
            """,
            use.session_id,
            use.counter,
            use.organization_id,
            use.shown,
            use.retry,
            use.visitor_sealed,
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

    async def hold(self, session_id: UUID, user_id: UUID) -> bool:
        """Let other changes of session and user wait until we commit, in the order in which everybody locks them.

        False when the session has ended, by itself or with others.
        """
        await self.tx.execute("SELECT FROM sessions WHERE id = $1 FOR NO KEY UPDATE", session_id)
        await self.tx.execute("SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE", user_id)
        found = await self.tx.fetchval(
            """
            SELECT s.epoch >= u.sessions_from_epoch AND s.ended_at IS NULL AND s.expires_at > kit_now()
            FROM users AS u JOIN sessions AS s ON s.user_id = u.id AND s.id = $1
            WHERE u.id = $2
            """,
            session_id,
            user_id,
        )
        return bool(found)

    async def carry_over(self, session_id: UUID, epoch: int) -> None:
        """Let a session go on although all of an older epoch end."""
        await self.tx.execute("UPDATE sessions SET epoch = $2 WHERE id = $1", session_id, epoch)

    async def strengthen(self, session_id: UUID, user_id: UUID, proof: Proof) -> Strength | None:
        """Record what somebody has shown in their session just now; None when it has ended.

        It is strong from now on if this is a second factor beside a distinct first one: a password shown again
        does not renew what a code was good for.
        """
        held = await self.tx.fetchrow(
            """
            SELECT proofs FROM sessions
            WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > kit_now()
            FOR NO KEY UPDATE
            """,
            session_id,
            user_id,
        )
        if held is None:
            return None
        proofs = {*(Proof(each) for each in held["proofs"]), proof}
        row = await self.tx.fetchrow(
            """
            UPDATE sessions
            SET proofs = $2, proven_at = kit_now(), strong_at = CASE WHEN $3 THEN kit_now() ELSE strong_at END
            WHERE id = $1
            RETURNING proofs, proven_at, strong_at
            """,
            session_id,
            sorted(proofs),
            proof in SECOND and strong(proofs),
        )
        return None if row is None else Strength(tuple(row["proofs"]), row["proven_at"], row["strong_at"])

    async def outnumbered(self, user_id: UUID, idle: timedelta, at_most: int) -> list[UUID]:
        """Of sessions that go on, those beyond so many, used least lately; one that is being used now is none."""
        rows = await self.tx.fetch(
            """
            WITH living AS (
                SELECT s.id, s.used_at
                FROM sessions AS s JOIN users AS u ON u.id = s.user_id
                WHERE s.user_id = $1 AND s.ended_at IS NULL AND s.used_at > kit_now() - $2::interval
                  AND s.expires_at > kit_now() AND s.epoch >= u.sessions_from_epoch
            )
            SELECT s.id FROM sessions AS s
            WHERE s.id IN (
                SELECT id FROM living ORDER BY used_at, id LIMIT (SELECT greatest(count(*) - $3, 0) FROM living)
            )
            FOR NO KEY UPDATE SKIP LOCKED
            """,
            user_id,
            idle,
            at_most,
        )
        return [row["id"] for row in rows]

    async def begun_on(self, user_id: UUID, device_id: UUID) -> list[UUID]:
        """Sessions that were begun on a device and have not ended."""
        rows = await self.tx.fetch(
            "SELECT id FROM sessions WHERE user_id = $1 AND device_id = $2 AND ended_at IS NULL ORDER BY id",
            user_id,
            device_id,
        )
        return [row["id"] for row in rows]

    async def page(
        self, user_id: UUID, idle: timedelta, before: UUID | None, at_most: int, *, only: UUID | None = None
    ) -> list[Listed]:
        """A person's sessions that go on, the newest first."""
        rows = await self.tx.fetch(
            """
            SELECT s.id, s.organization_id, s.proofs, s.visitor_sealed, s.created_at, s.expires_at, s.used_at,
                   greatest(s.seen_at, s.used_at) AS seen_at, s.proven_at, s.strong_at,
                   d.id AS device_id, d.name_sealed
            FROM sessions AS s
            JOIN users AS u ON u.id = s.user_id
            LEFT JOIN devices AS d ON d.id = s.device_id AND d.user_id = s.user_id
            WHERE s.user_id = $1 AND s.id < $3 AND ($5::uuid IS NULL OR s.id = $5)
              AND s.ended_at IS NULL AND s.expires_at > kit_now() AND s.used_at > kit_now() - $2::interval
              AND s.epoch >= u.sessions_from_epoch
            ORDER BY s.id DESC
            LIMIT $4
            """,
            user_id,
            idle,
            before or AFTER_ALL,
            at_most,
            only,
        )
        return [Listed(**row) for row in rows]

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

    async def raise_epochs(self, user_ids: Collection[UUID]) -> list[Row]:
        """Void the older access tokens of several; id, new epoch and version of those whose account is there."""
        return await self.tx.fetch(
            """
            UPDATE users SET epoch = epoch + 1, version = version + 1
            WHERE id IN (SELECT id FROM users WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE)
            RETURNING id, epoch, version
            """,
            list(user_ids),
        )

    async def add_revocations(self, epochs: Mapping[UUID, int]) -> None:
        """Let gateways that ask know of several."""
        await self.tx.execute(
            """
            INSERT INTO revocations (id, user_id, epoch)
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[])
            """,
            [new_id() for _ in epochs],
            list(epochs),
            list(epochs.values()),
        )

    async def raise_epochs_of_members(self, organization_id: UUID) -> list[Raised]:
        """Void older access tokens of all members, and of all whom agencies send, and let gateways that ask know."""
        rows = await self.tx.fetch(
            """
            WITH theirs AS (
                SELECT u.id
                FROM users AS u
                WHERE u.id IN (
                    SELECT m.user_id FROM members AS m WHERE m.organization_id = $1
                    UNION
                    SELECT sent.user_id FROM people_sent_to($1) AS sent
                )
                ORDER BY u.id
                FOR NO KEY UPDATE OF u
            ), raised AS (
                UPDATE users AS u SET epoch = u.epoch + 1, version = u.version + 1
                FROM theirs WHERE u.id = theirs.id
                RETURNING u.id, u.epoch, u.version
            ), told AS (
                INSERT INTO revocations (id, user_id, session_id, epoch)
                SELECT gen_random_uuid(), id, NULL, epoch FROM raised
            )
            SELECT id AS user_id, epoch, version FROM raised
            """,
            organization_id,
        )
        return [Raised(**row) for row in rows]

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
            SELECT id, organization_id, device_id, created_at, used_at, seen_at, expires_at, ended_at, ended_because,
                   visitor_sealed
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
