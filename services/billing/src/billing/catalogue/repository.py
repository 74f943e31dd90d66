from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Transaction
from kit.ids import new_id


@dataclass(frozen=True, slots=True)
class Published:
    """A price that Stripe has, as we know it."""

    id: UUID
    lookup_key: str
    stripe_id: str


@dataclass(frozen=True, slots=True)
class PriceRepository:
    """What of the catalogue is at Stripe; of no tenant."""

    tx: Transaction

    async def take_in(self, lookup_keys: Sequence[str]) -> list[UUID]:
        """Write down prices; the ids of those that were not there."""
        rows = await self.tx.fetch(
            """
            INSERT INTO prices (lookup_key, id)
            SELECT * FROM unnest($1::text[], $2::uuid[])
            ON CONFLICT (lookup_key) DO NOTHING RETURNING id
            """,
            list(lookup_keys),
            [new_id() for _ in lookup_keys],
        )
        return [row["id"] for row in rows]

    async def lookup_keys(self, price_ids: Collection[UUID]) -> Mapping[UUID, str]:
        """What these rows are of."""
        rows = await self.tx.fetch("SELECT id, lookup_key FROM prices WHERE id = ANY ($1)", list(price_ids))
        return {row["id"]: row["lookup_key"] for row in rows}

    async def stripe_ids(self, lookup_keys: Collection[str]) -> Mapping[str, str]:
        """Stripe's ids of those that it has."""
        rows = await self.tx.fetch(
            "SELECT lookup_key, stripe_id FROM prices WHERE lookup_key = ANY ($1) AND stripe_id IS NOT NULL",
            list(lookup_keys),
        )
        return {row["lookup_key"]: row["stripe_id"] for row in rows}

    async def at_stripe(self) -> Sequence[Published]:
        """All prices that Stripe is known to have."""
        rows = await self.tx.fetch(
            "SELECT id, lookup_key, stripe_id FROM prices WHERE stripe_id IS NOT NULL ORDER BY id"
        )
        return [Published(row["id"], row["lookup_key"], row["stripe_id"]) for row in rows]

    async def gone(self, gone: Sequence[Published]) -> list[UUID]:
        """Stripe has these no more under these ids; those that nobody has published anew meanwhile."""
        rows = await self.tx.fetch(
            """
            UPDATE prices AS one SET stripe_id = NULL, changed_at = kit_now()
            FROM unnest($1::uuid[], $2::text[]) AS t (id, stripe_id)
            WHERE one.id = t.id AND one.stripe_id = t.stripe_id RETURNING one.id
            """,
            [each.id for each in gone],
            [each.stripe_id for each in gone],
        )
        return [row["id"] for row in rows]

    async def published(self, price_id: UUID, stripe_id: str) -> None:
        """Stripe has it."""
        await self.tx.execute(
            "UPDATE prices SET stripe_id = $2, reason = '', changed_at = kit_now() WHERE id = $1",
            price_id,
            stripe_id,
        )

    async def refused(self, price_id: UUID, reason: str) -> None:
        """Stripe will not have it."""
        await self.tx.execute("UPDATE prices SET reason = $2, changed_at = kit_now() WHERE id = $1", price_id, reason)
