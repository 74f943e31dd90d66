from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from billing.catalogue.model import Interval
from billing.checkouts.model import Checkout, CheckoutKind, CheckoutState, Offer
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, BEFORE_ALL

_COLUMNS: Final = """
    id, organization_id, kind, plan, catalogue_version, billed_every, currency, seats, trial_days, promotion_code,
    state, reason, code, stripe_session_id, stripe_subscription_id,
    stripe_setup_id, url, expires_at, version, created_at
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A page that Stripe has made, its address sealed."""

    session_id: str
    url: bytes | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class CheckoutRepository:
    """Checkouts of the transaction's organizations."""

    tx: Transaction

    async def add(self, checkout_id: UUID, kind: CheckoutKind, offer: Offer | None, by: UUID | None) -> None:
        """A page that is to be opened."""
        await self.tx.execute(
            """
            INSERT INTO checkouts (id, organization_id, kind, plan, catalogue_version, billed_every, currency, seats,
                                   trial_days, promotion_code, created_by)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            """,
            checkout_id,
            self.tx.organization_id,
            kind,
            offer and offer.plan,
            offer and offer.version,
            offer and offer.interval,
            offer and offer.currency,
            offer.seats if offer else 0,
            offer.trial_days if offer else 0,
            offer and offer.promotion_code,
            by,
        )

    async def find(self, checkout_id: UUID) -> Checkout | None:
        """One of the organization's."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM checkouts "  # noqa: S608 - our own list of columns
            "WHERE id = $1 AND organization_id = $2",
            checkout_id,
            self.tx.organization_id,
        )
        return None if row is None else _checkout(row)

    async def lock(self, checkout_id: UUID) -> Checkout | None:
        """One of the organization's, for update."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM checkouts "  # noqa: S608 - our own list of columns
            "WHERE id = $1 AND organization_id = $2 FOR UPDATE",
            checkout_id,
            self.tx.organization_id,
        )
        return None if row is None else _checkout(row)

    async def under_way(self) -> Checkout | None:
        """The one with which the organization is about to subscribe."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM checkouts "  # noqa: S608 - our own list of columns
            "WHERE organization_id = $1 AND kind = 'subscription' AND state IN ('opening', 'open') FOR UPDATE",
            self.tx.organization_id,
        )
        return None if row is None else _checkout(row)

    async def by_ids(self, checkout_ids: Collection[UUID]) -> Mapping[UUID, Checkout]:
        """Checkouts of all organizations of the transaction."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM checkouts WHERE id = ANY ($1)",  # noqa: S608 - our own list of columns
            list(checkout_ids),
        )
        return {row["id"]: _checkout(row) for row in rows}

    async def page(self, before: UUID | None, at_most: int) -> list[Checkout]:
        """The newest first."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM checkouts "  # noqa: S608 - our own list of columns
            "WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
            self.tx.organization_id,
            before or AFTER_ALL,
            at_most,
        )
        return [_checkout(row) for row in rows]

    async def subscribed(self) -> bool:
        """Whether there is a subscription that goes on, or one was just bought that has not been read yet."""
        return bool(
            await self.tx.fetchval(
                """
                SELECT EXISTS (
                    SELECT FROM subscriptions
                    WHERE organization_id = $1 AND state NOT IN ('ended', 'incomplete')
                ) OR EXISTS (
                    SELECT FROM checkouts AS c
                    WHERE c.organization_id = $1 AND c.kind = 'subscription' AND c.state = 'completed'
                      AND NOT EXISTS (SELECT FROM subscriptions AS s
                                      WHERE s.organization_id = $1
                                        AND s.stripe_subscription_id = c.stripe_subscription_id)
                )
                """,
                self.tx.organization_id,
            )
        )

    async def ever_subscribed(self) -> bool:
        """Whether the organization has bought anything before."""
        return bool(
            await self.tx.fetchval(
                """
                SELECT EXISTS (SELECT FROM checkouts
                               WHERE organization_id = $1 AND kind = 'subscription' AND state = 'completed')
                    OR EXISTS (SELECT FROM subscriptions WHERE organization_id = $1)
                """,
                self.tx.organization_id,
            )
        )

    async def opened(self, checkout_id: UUID, made: Opened) -> int | None:
        """The page is there; the new version, None when it was known, or is over already."""
        version: int | None = await self.tx.fetchval(
            """
            UPDATE checkouts SET state = 'open', stripe_session_id = $2, url = $3, expires_at = $4,
                version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND state = 'opening' RETURNING version
            """,
            checkout_id,
            made.session_id,
            made.url,
            made.expires_at,
        )
        return version

    async def refused(self, checkout_id: UUID, reason: str, code: str) -> bool:
        """There will be no page; False when that was known."""
        changed = await self.tx.execute(
            """
            UPDATE checkouts SET state = 'refused', reason = $2, code = $3, version = version + 1,
                changed_at = kit_now() WHERE id = $1 AND state = 'opening'
            """,
            checkout_id,
            reason,
            code,
        )
        return changed == 1

    async def ended(
        self,
        checkout_id: UUID,
        state: CheckoutState,
        session_id: str,
        *,
        subscription_id: str | None = None,
        setup_id: str | None = None,
    ) -> int | None:
        """What came of it; the new version, None when it had ended."""
        version: int | None = await self.tx.fetchval(
            """
            UPDATE checkouts SET state = $2, stripe_session_id = $3, stripe_subscription_id = $4,
                stripe_setup_id = $5, url = NULL, version = version + 1, changed_at = kit_now()
            WHERE id = $1 AND state IN ('opening', 'open') RETURNING version
            """,
            checkout_id,
            state,
            session_id,
            subscription_id,
            setup_id,
        )
        return version

    async def owner(self, checkout_id: UUID, session_id: str) -> UUID | None:
        """Whose it is, whosever; only for who knows the session's id."""
        found: UUID | None = await self.tx.fetchval("SELECT owner_of_checkout($1, $2)", checkout_id, session_id)
        return found

    async def overdue(self, at_most: int) -> Sequence[tuple[UUID, UUID]]:
        """Pages that should be over, of whatever tenant: id and organization."""
        rows = await self.tx.fetch("SELECT * FROM checkouts_overdue($1)", at_most)
        return [(row["id"], row["organization_id"]) for row in rows]


@dataclass(frozen=True, slots=True)
class TrialRepository:
    """What the transaction's organization has tried."""

    tx: Transaction

    async def spent(self) -> bool:
        """Whether it has tried, or is about to."""
        return bool(
            await self.tx.fetchval(
                "SELECT EXISTS (SELECT FROM trials WHERE organization_id = $1)", self.tx.organization_id
            )
        )

    async def take(self, customer_id: UUID, checkout_id: UUID, plan: str) -> bool:
        """Take the one trial there is; False when it is spent."""
        taken = await self.tx.execute(
            """
            INSERT INTO trials (organization_id, customer_id, checkout_id, plan) VALUES ($1, $2, $3, $4)
            ON CONFLICT DO NOTHING
            """,
            self.tx.organization_id,
            customer_id,
            checkout_id,
            plan,
        )
        return taken == 1

    async def redeem(self, checkout_id: UUID) -> None:
        """The trial has begun."""
        await self.tx.execute(
            "UPDATE trials SET redeemed_at = kit_now() WHERE checkout_id = $1 AND redeemed_at IS NULL", checkout_id
        )

    async def give_back(self, checkout_id: UUID) -> None:
        """It never began."""
        await self.tx.execute("DELETE FROM trials WHERE checkout_id = $1 AND redeemed_at IS NULL", checkout_id)


@dataclass(frozen=True, slots=True)
class PersonsCheckouts:
    """The pages to which one user went, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """What is kept of them, without what opens anything."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, kind, plan, billed_every, currency, seats, trial_days, promotion_code, state,
                   reason, created_at, expires_at
            FROM checkouts
            WHERE created_by = $1 AND organization_id = ANY ($2) AND id > $3
            ORDER BY id LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )

    async def unlink(self, user_id: UUID, at_most: int) -> int:
        """Let some of them be nobody's; how many."""
        return await self.tx.execute(
            """
            UPDATE checkouts SET created_by = NULL WHERE id IN (
                SELECT id FROM checkouts WHERE created_by = $1 AND organization_id = ANY ($2) ORDER BY id LIMIT $3
            )
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )


def _checkout(row: Row) -> Checkout:
    values = dict(row)
    plan, version = values.pop("plan"), values.pop("catalogue_version")
    interval, currency = values.pop("billed_every"), values.pop("currency")
    seats, trial_days, promotion = values.pop("seats"), values.pop("trial_days"), values.pop("promotion_code")
    offer = None
    if plan is not None:
        offer = Offer(plan, version, Interval(interval), currency, seats, trial_days, promotion)
    values |= {"kind": CheckoutKind(values["kind"]), "state": CheckoutState(values["state"])}
    return Checkout(**values, offer=offer)
