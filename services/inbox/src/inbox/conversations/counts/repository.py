from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kit.db.database import Database, Row, Transaction

NOBODY: Final = UUID(int=0)
"""Stands for nobody and for no team where counts are kept."""

ALL_COUNTS: Final = """
    SELECT channel_id, assignee_id, team_id, state, unread, sum(n)::bigint AS n
    FROM conversation_counts WHERE organization_id = $1
    GROUP BY GROUPING SETS ((state, unread), (channel_id, state, unread), (assignee_id, state, unread),
                            (team_id, state, unread))
    HAVING sum(n) <> 0
"""


@dataclass(frozen=True, slots=True)
class CountRepository:
    """Counts of the transaction's organization: the sum of what was added up and of what has changed since."""

    tx: Transaction

    async def all(self) -> list[Row]:
        """By what is shown: everything, each assignee, team and channel, by state and whether something is unread.

        A row counts for what it names; one that names nothing is of everything.
        """
        return await self.tx.fetch(ALL_COUNTS, self.tx.organization_id)

    async def of_person(self, user_id: UUID) -> list[Row]:
        """How many conversations a user has, in all organizations that the transaction is bound to."""
        return await self.tx.fetch(
            """
            SELECT organization_id, assignee_id, state, sum(n)::bigint AS n FROM conversation_counts
            WHERE assignee_id = $1 AND organization_id = ANY ($2)
            GROUP BY organization_id, assignee_id, state ORDER BY organization_id, state
            """,
            user_id,
            self.tx.organization_ids,
        )

    async def fold(self, at_most: int) -> int:
        """Add up changes, of all organizations; what adds up to nothing goes."""
        folded: int = await self.tx.fetchval("SELECT fold_conversation_counts($1)", at_most)
        return folded


async def fold(database: Database, at_most: int) -> int:
    """Add up changes of all organizations, as many at once; how many there were."""
    async with database.transaction(durable=False) as tx:
        return await CountRepository(tx).fold(at_most)
