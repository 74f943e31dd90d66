from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class LookaheadRepository:
    """What of the transaction's organization is still to leave."""

    tx: Transaction

    async def waiting(
        self, until: datetime, account_id: UUID | None, after: tuple[datetime, UUID], limit: int
    ) -> list[Row]:
        """Deliveries that are scheduled, in the order of their times, with what is said."""
        wished = [] if account_id is None else [account_id]
        return await self.tx.fetch(
            f"""
            SELECT one.id, one.post_id, one.account_id, one.platform, post.publish_at, one.text AS own_text,
                   one.content AS different, post.text, post.content
            FROM posts AS post JOIN deliveries AS one ON one.post_id = post.id
            WHERE post.organization_id = $1 AND post.publish_at < $2
              AND post.publish_at >= $3 AND (post.publish_at, one.id) > ($3, $4::uuid)
              AND one.status = 'scheduled'{" AND one.account_id = $6" if wished else ""}
            ORDER BY post.publish_at, one.id LIMIT $5
            """,  # noqa: S608 - constants; what is wished for travels as a parameter
            self.tx.organization_id,
            until,
            *after,
            limit,
            *wished,
        )
