from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from inbox.contacts.repository import HEAD_OF
from kit.db.database import Row, Transaction
from kit.ids import BEFORE_ALL


@dataclass(frozen=True, slots=True)
class RunRepository:
    """Runs of macros in the transaction's organization."""

    tx: Transaction

    async def see_as(self, user_id: UUID) -> None:
        """Until the transaction ends, hide what is of channels that this user does not see."""
        await self.tx.execute("SELECT set_config('app.hidden', channels_hidden_from($1)::text, true)", user_id)

    async def begin(self, run_id: UUID, macro_id: UUID, conversation_id: UUID, user_id: UUID) -> bool:
        """Take the id; False when a run has it, after waiting for one that is just taking it."""
        count = await self.tx.execute(
            """
            INSERT INTO macro_runs (id, organization_id, macro_id, conversation_id, user_id)
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING
            """,
            run_id,
            self.tx.organization_id,
            macro_id,
            conversation_id,
            user_id,
        )
        return count == 1

    async def find(self, run_id: UUID) -> Row | None:
        """One run."""
        return await self.tx.fetchrow(
            """
            SELECT id, macro_id, conversation_id, user_id, results, created_at FROM macro_runs
            WHERE id = $1 AND organization_id = $2
            """,
            run_id,
            self.tx.organization_id,
        )

    async def end(self, run_id: UUID, results: list[dict[str, Any]]) -> None:
        """Write what became of it."""
        await self.tx.execute(
            "UPDATE macro_runs SET results = $3 WHERE id = $1 AND organization_id = $2",
            run_id,
            self.tx.organization_id,
            results,
        )


@dataclass(frozen=True, slots=True)
class PersonsRuns:
    """Runs in a contact's conversations, or by a user, wherever the transaction is bound to."""

    tx: Transaction

    async def page(self, kind: str, person_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """Which there were, by id."""
        way = "user_id = $1" if kind == "user" else _OF_CONTACT
        return await self.tx.fetch(
            f"""
            SELECT id, macro_id, conversation_id, user_id, results, created_at FROM macro_runs
            WHERE {way} AND organization_id = ANY ($2) AND id > $3 ORDER BY id LIMIT $4
            """,  # noqa: S608 - words of this file
            person_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )

    async def delete(self, kind: str, person_id: UUID, at_most: int) -> int:
        """Delete as many; how many."""
        way = "user_id = $1" if kind == "user" else _OF_CONTACT
        return await self.tx.execute(
            f"""
            DELETE FROM macro_runs WHERE id = ANY (ARRAY(
                SELECT id FROM macro_runs WHERE {way} AND organization_id = ANY ($2) LIMIT $3))
            """,  # noqa: S608 - words of this file
            person_id,
            self.tx.organization_ids,
            at_most,
        )


_OF_CONTACT: Final = f"conversation_id IN (SELECT id FROM conversations WHERE contact_id = {HEAD_OF})"  # noqa: S608
