from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from auth.federation.model import FLOW_LIFE, Chosen, Claimed, Flow, ProviderKind, Purpose
from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class FlowRepository:
    """Ways to providers and back; each step of one is taken by one caller only."""

    tx: Transaction

    async def add(self, flow: Flow) -> None:
        """Remember that somebody was sent."""
        await self.tx.execute(
            """
            INSERT INTO federation_flows
                (id, purpose, kind, provider_id, organization_id, redirect, user_id, session_id,
                 wished_organization_id, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, kit_now() + $10::interval)
            """,
            flow.id,
            flow.purpose,
            flow.chosen.kind,
            flow.chosen.provider_id,
            flow.chosen.organization_id,
            flow.redirect,
            flow.user_id,
            flow.session_id,
            flow.wished_organization_id,
            FLOW_LIFE,
        )

    async def take_back(self, flow_id: UUID, provider: str, sealed: bytes | None) -> str | None:
        """The browser is back from this very provider, with a code or (None) without; returns where it goes on.

        None when nobody is waited for: at another provider, a second time, or too late.
        """
        found: str | None = await self.tx.fetchval(
            """
            UPDATE federation_flows
            SET state = CASE WHEN $3::bytea IS NULL THEN 'over' ELSE 'returned' END, returned = $3
            WHERE id = $1 AND state = 'asked' AND expires_at > kit_now()
              AND coalesce(provider_id::text, kind) = $2
            RETURNING redirect
            """,
            flow_id,
            provider,
            sealed,
        )
        return found

    async def claim(
        self, flow_id: UUID, purpose: Purpose, user_id: UUID | None, session_id: UUID | None
    ) -> Claimed | None:
        """Take what the browser brought back, for one use; None when it is not there, or is not this person's."""
        row = await self.tx.fetchrow(
            """
            UPDATE federation_flows AS f
            SET state = 'claimed', returned = NULL
            FROM (SELECT id, returned FROM federation_flows WHERE id = $1 AND state = 'returned' FOR UPDATE) AS held
            WHERE f.id = held.id AND f.purpose = $2 AND f.expires_at > kit_now()
              AND f.user_id IS NOT DISTINCT FROM $3 AND f.session_id IS NOT DISTINCT FROM $4
            RETURNING f.id, f.purpose, f.kind, f.provider_id, f.organization_id, f.redirect, f.user_id, f.session_id,
                      f.wished_organization_id, held.returned AS sealed, kit_now() - f.created_at AS age
            """,
            flow_id,
            purpose,
            user_id,
            session_id,
        )
        return None if row is None else _claimed(row)

    async def finish(self, flow_id: UUID) -> None:
        """It led to something."""
        await self.tx.execute("UPDATE federation_flows SET state = 'over' WHERE id = $1", flow_id)

    async def of(self, user_id: UUID) -> list[Row]:
        """Those on which one person links something."""
        return await self.tx.fetch(
            "SELECT purpose, kind, state, created_at, expires_at FROM federation_flows WHERE user_id = $1", user_id
        )

    async def delete(self, user_id: UUID) -> int:
        """Forget those of one person."""
        return await self.tx.execute("DELETE FROM federation_flows WHERE user_id = $1", user_id)

    async def purge(self, at_most: int) -> int:
        """Forget what is over."""
        return await self.tx.execute(
            """
            DELETE FROM federation_flows
            WHERE id IN (
                SELECT id FROM federation_flows WHERE expires_at < kit_now() - $2::interval
                LIMIT $1 FOR UPDATE SKIP LOCKED
            )
            """,
            at_most,
            timedelta(minutes=10),
        )


def _claimed(row: Row) -> Claimed:
    flow = Flow(
        id=row["id"],
        purpose=Purpose(row["purpose"]),
        chosen=Chosen(ProviderKind(row["kind"]), row["provider_id"], row["organization_id"]),
        redirect=row["redirect"],
        user_id=row["user_id"],
        session_id=row["session_id"],
        wished_organization_id=row["wished_organization_id"],
    )
    return Claimed(flow, row["sealed"], row["age"])
