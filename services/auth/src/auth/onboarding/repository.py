from dataclasses import dataclass
from uuid import UUID

from auth.onboarding.model import Progress
from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class OnboardingRepository:
    """The first steps of members of the transaction's organization."""

    tx: Transaction

    async def find(self, member_id: UUID) -> Progress | None:
        """How far a member has come."""
        row = await self.tx.fetchrow(
            """
            SELECT id, done, skipped, goals, template, post_id, completed_at, version
            FROM onboardings WHERE organization_id = $1 AND member_id = $2
            """,
            self.tx.organization_id,
            member_id,
        )
        return None if row is None else _progress(row)

    async def lock(self, member_id: UUID) -> Progress | None:
        """The same, where other changes wait until we commit."""
        await self.tx.execute(
            "SELECT FROM members WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE",
            self.tx.organization_id,
            member_id,
        )
        return await self.find(member_id)

    async def save(self, member_id: UUID, progress: Progress, expected: int) -> Progress | None:
        """Write how far a member has come; None when it is not the expected version that is there any more."""
        row = await self.tx.fetchrow(
            """
            INSERT INTO onboardings AS held (id, organization_id, member_id, done, skipped, goals, template, post_id,
                                             completed_at)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $8::uuid IS NOT NULL THEN kit_now() END
            WHERE $9 = 0 OR EXISTS (SELECT FROM onboardings WHERE member_id = $3)
            ON CONFLICT (member_id) DO UPDATE
            SET done = excluded.done, skipped = excluded.skipped, goals = excluded.goals,
                template = excluded.template, post_id = excluded.post_id, completed_at = excluded.completed_at,
                version = held.version + 1, changed_at = kit_now()
            WHERE held.version = $9
            RETURNING id, done, skipped, goals, template, post_id, completed_at, version
            """,
            progress.id,
            self.tx.organization_id,
            member_id,
            sorted(progress.done),
            sorted(progress.skipped),
            list(progress.goals),
            progress.template,
            progress.post_id,
            expected,
        )
        return None if row is None else _progress(row)

    async def locale_of(self, user_id: UUID) -> str:
        """The language in which a user is told things."""
        locale: str = await self.tx.fetchval("SELECT locale FROM users WHERE id = $1", user_id)
        return locale


@dataclass(frozen=True, slots=True)
class PersonsOnboardings:
    """The first steps of one user, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def all(self, user_id: UUID) -> list[Row]:
        """How far they have come, and what they chose."""
        return await self.tx.fetch(
            """
            SELECT o.organization_id, o.done, o.skipped, o.goals, o.template, o.completed_at, o.changed_at
            FROM members AS m JOIN onboardings AS o ON o.member_id = m.id
            WHERE m.user_id = $1 AND m.organization_id = ANY ($2)
            ORDER BY o.id
            """,
            user_id,
            self.tx.organization_ids,
        )

    async def delete(self, user_id: UUID) -> int:
        """Forget them."""
        return await self.tx.execute(
            """
            DELETE FROM onboardings AS o USING members AS m
            WHERE m.user_id = $1 AND m.organization_id = ANY ($2) AND o.member_id = m.id
            """,
            user_id,
            self.tx.organization_ids,
        )


def _progress(row: Row) -> Progress:
    sets = {name: frozenset(row[name]) for name in ("done", "skipped")}
    return Progress(**{**row, **sets, "goals": tuple(row["goals"])})
