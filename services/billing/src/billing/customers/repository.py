from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.customers.model import Customer, CustomerState
from kit.db.database import Row, Transaction
from kit.ids import new_id

_COLUMNS: Final = """
    id, organization_id, stripe_id, state, details, details_id, details_state, details_reason, version
"""


@dataclass(frozen=True, slots=True)
class CustomerRepository:
    """Customers of the transaction's organizations."""

    tx: Transaction

    async def take(self, organization_id: UUID) -> Customer:
        """The organization's customer, made as a row where there is none."""
        await self.tx.execute(
            "INSERT INTO customers (organization_id, id) VALUES ($1, $2) ON CONFLICT (organization_id) DO NOTHING",
            organization_id,
            new_id(),
        )
        (row,) = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM customers WHERE organization_id = $1",  # noqa: S608 - our own list of columns
            organization_id,
        )
        return _customer(row)

    async def find(self, organization_id: UUID) -> Customer | None:
        """The organization's customer, if it ever needed one."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM customers WHERE organization_id = $1",  # noqa: S608 - our own list of columns
            organization_id,
        )
        return None if row is None else _customer(row)

    async def by_ids(self, customer_ids: Collection[UUID]) -> Mapping[UUID, Customer]:
        """Customers by our id, of all organizations of the transaction."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM customers WHERE id = ANY ($1)",  # noqa: S608 - our own list of columns
            list(customer_ids),
        )
        return {row["id"]: _customer(row) for row in rows}

    async def stripe_ids(self, organization_ids: Collection[UUID]) -> Mapping[UUID, str]:
        """Stripe's ids by organization, of those that it knows."""
        rows = await self.tx.fetch(
            """
            SELECT organization_id, stripe_id FROM customers
            WHERE organization_id = ANY ($1) AND stripe_id IS NOT NULL
            """,
            list(organization_ids),
        )
        return {row["organization_id"]: row["stripe_id"] for row in rows}

    async def made(self, customer_id: UUID, stripe_id: str) -> int | None:
        """Write Stripe's id, once; the new version, None when it was known."""
        version: int | None = await self.tx.fetchval(
            """
            UPDATE customers SET stripe_id = $2, state = 'made', version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND stripe_id IS NULL RETURNING version
            """,
            customer_id,
            stripe_id,
        )
        return version

    async def refused(self, customer_id: UUID) -> None:
        """Stripe would not have it."""
        await self.tx.execute(
            """
            UPDATE customers SET state = 'refused', version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND state = 'making'
            """,
            customer_id,
        )

    async def by_details(self, details_ids: Collection[UUID]) -> Mapping[UUID, Customer]:
        """Customers by the version of their details, of all organizations of the transaction."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM customers WHERE details_id = ANY ($1)",  # noqa: S608 - our own list of columns
            list(details_ids),
        )
        return {row["details_id"]: _customer(row) for row in rows}

    async def save_details(
        self, organization_id: UUID, expected: int | None, details_id: UUID, sealed: bytes | None, by: UUID | None
    ) -> Customer | None:
        """Write other details, which Stripe does not have yet; None when the row has changed meanwhile."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE customers SET details = $3, details_id = $4, details_by = $5, details_reason = '',
                details_state = CASE WHEN stripe_id IS NULL AND $3::bytea IS NULL THEN 'none' ELSE 'telling' END,
                version = version + 1, changed_at = kit_now()
            WHERE organization_id = $1 AND ($2::bigint IS NULL OR version = $2) RETURNING {_COLUMNS}
            """,  # noqa: S608 - our own list of columns
            organization_id,
            expected,
            sealed,
            details_id,
            by,
        )
        return None if row is None else _customer(row)

    async def told(self, details_id: UUID, state: str, reason: str = "") -> None:
        """Whether Stripe has these details now; of a version that is not the newest nobody asks."""
        await self.tx.execute(
            """
            UPDATE customers SET details_state = CASE WHEN $2 = 'told' AND details IS NULL THEN 'none' ELSE $2 END,
                details_reason = $3, version = version + 1, changed_at = kit_now()
            WHERE details_id = $1 AND details_state = 'telling'
            """,
            details_id,
            state,
            reason,
        )

    async def owners(self, stripe_ids: Collection[str]) -> Mapping[str, UUID]:
        """Whose customers these are, of whatever tenant; who is not in it is none of ours, or not yet."""
        rows = await self.tx.fetch("SELECT * FROM owners_of_customers($1)", list(stripe_ids))
        return {row["stripe_id"]: row["organization_id"] for row in rows}


@dataclass(frozen=True, slots=True)
class PersonsCustomers:
    """The details that one user gave, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def lock(self, user_id: UUID, at_most: int) -> list[Customer]:
        """Some of them, for update."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM customers WHERE details_by = $1 AND organization_id = ANY ($2)
            ORDER BY organization_id LIMIT $3 FOR UPDATE
            """,  # noqa: S608 - our own list of columns
            user_id,
            self.tx.organization_ids,
            at_most,
        )
        return [_customer(row) for row in rows]

    async def find(self, user_id: UUID) -> list[Customer]:
        """Those of the transaction's organization: one, or none."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM customers "  # noqa: S608 - our own list of columns
            "WHERE details_by = $1 AND organization_id = ANY ($2)",
            user_id,
            self.tx.organization_ids,
        )
        return [_customer(row) for row in rows]


def _customer(row: Row) -> Customer:
    return Customer(**{**dict(row), "state": CustomerState(row["state"])})


async def owners_of_customers(tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
    """Whose customers of Stripe's these are, for webhooks and comparisons."""
    return await CustomerRepository(tx).owners([each for each in tenants if each.startswith("cus_")])
