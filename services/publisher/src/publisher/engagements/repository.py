from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Row, Transaction
from postrules.limits import Platform
from publisher.engagements.model import Change


@dataclass(frozen=True, slots=True)
class EngagementRepository:
    """What people did to the posts of the transaction's organization."""

    tx: Transaction

    async def published(self, platform: Platform, external_id: str) -> Row | None:
        """The delivery that is live under this id, if it is one of ours."""
        return await self.tx.fetchrow(
            """
            SELECT id, post_id FROM deliveries
            WHERE organization_id = $1 AND external_id = $2 AND status = 'published' AND platform = $3
            """,
            self.tx.organization_id,
            external_id,
            platform,
        )

    async def add(self, delivery_id: UUID, change: Change) -> Row:
        """Add to the figures; none falls below zero, for a deletion may come without what it deletes."""
        row = await self.tx.fetchrow(
            """
            INSERT INTO engagements AS known (delivery_id, organization_id, reactions, comments, shares)
            VALUES ($1, $2, greatest($3::bigint, 0), greatest($4::bigint, 0), greatest($5::bigint, 0))
            ON CONFLICT (delivery_id) DO UPDATE
            SET reactions = greatest(known.reactions + $3, 0), comments = greatest(known.comments + $4, 0),
                shares = greatest(known.shares + $5, 0), version = known.version + 1, changed_at = kit_now()
            RETURNING reactions, comments, shares, version
            """,
            delivery_id,
            self.tx.organization_id,
            change.reactions,
            change.comments,
            change.shares,
        )
        if row is None:
            raise LookupError("an upsert returns its row")
        return row


async def owners_of(
    tx: Transaction, platform: Platform, posts: Sequence[str], account_blinds: Sequence[bytes | None]
) -> list[UUID | None]:
    """For each (post, account) whose it is: who published the post, else who connected the account first."""
    rows = await tx.fetch(
        "SELECT place, organization_id FROM owners_of($1, $2, $3) ORDER BY place",
        platform,
        list(posts),
        list(account_blinds),
    )
    return [row["organization_id"] for row in rows]
