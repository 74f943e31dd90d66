from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.coupons.model import Code, Coupon, Duration, Terms
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, new_id

_TERMS: Final = "name, duration, percent_off, amount_off, currency, months, plans, first_only, most, expires_at"
_COLUMNS: Final = f"id, {_TERMS}, taken, state, reason, stripe_id, version, created_at"


@dataclass(frozen=True, slots=True)
class CouponRepository:
    """Coupons and codes; of no tenant."""

    tx: Transaction

    async def add(self, coupon_id: UUID, terms: Terms, by: UUID) -> None:
        """A new coupon, which Stripe does not have yet."""
        await self.tx.execute(
            f"INSERT INTO coupons (id, {_TERMS}, created_by) "  # noqa: S608 - our own list of columns
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            coupon_id,
            terms.name,
            terms.duration,
            terms.percent_off,
            terms.amount_off,
            terms.currency,
            terms.months,
            list(terms.plans),
            terms.first_only,
            terms.most,
            terms.expires_at,
            by,
        )

    async def add_code(self, coupon_id: UUID, code: str, most: int | None, by: UUID) -> bool:
        """A new code; False when it is taken."""
        added = await self.tx.execute(
            """
            INSERT INTO promotion_codes (code, id, coupon_id, most, created_by) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (code) DO NOTHING
            """,
            code,
            new_id(),
            coupon_id,
            most,
            by,
        )
        return added == 1

    async def find(self, coupon_id: UUID) -> Coupon | None:
        """One coupon with its codes."""
        found = await self.by_ids([coupon_id])
        return found.get(coupon_id)

    async def by_ids(self, coupon_ids: Collection[UUID]) -> Mapping[UUID, Coupon]:
        """Coupons with their codes, at most 100 of each."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM coupons WHERE id = ANY ($1)",  # noqa: S608 - our own list of columns
            list(coupon_ids),
        )
        return {coupon.id: coupon for coupon in await self._with_codes(rows)}

    async def page(self, before: UUID | None, at_most: int) -> list[Coupon]:
        """The newest first."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM coupons "  # noqa: S608 - our own list of columns
            "WHERE id < $1 ORDER BY id DESC LIMIT $2",
            before or AFTER_ALL,
            at_most,
        )
        return await self._with_codes(rows)

    async def _with_codes(self, rows: Sequence[Row]) -> list[Coupon]:
        codes: dict[UUID, list[Code]] = {row["id"]: [] for row in rows}
        found = await self.tx.fetch(
            """
            SELECT one.* FROM unnest($1::uuid[]) AS wanted (id)
            CROSS JOIN LATERAL (
                SELECT coupon_id, code, most, taken, expires_at, ended_at FROM promotion_codes
                WHERE coupon_id = wanted.id ORDER BY code LIMIT 100
            ) AS one
            """,
            list(codes),
        )
        for row in found:
            values = dict(row)
            codes[values.pop("coupon_id")].append(Code(**values))
        return [_coupon(row, codes[row["id"]]) for row in rows]

    async def made(self, coupon_id: UUID, stripe_id: str) -> None:
        """Stripe has it; one that was ended meanwhile stays so."""
        await self.tx.execute(
            """
            UPDATE coupons SET stripe_id = $2, version = version + 1,
                state = CASE WHEN state = 'making' THEN 'made' ELSE state END WHERE id = $1 AND stripe_id IS NULL
            """,
            coupon_id,
            stripe_id,
        )

    async def refused(self, coupon_id: UUID, reason: str) -> None:
        """Stripe will not have it."""
        await self.tx.execute(
            """
            UPDATE coupons SET state = 'refused', reason = $2, version = version + 1
            WHERE id = $1 AND state = 'making'
            """,
            coupon_id,
            reason,
        )

    async def end(self, coupon_id: UUID) -> bool:
        """Nobody redeems it any more; False when it had ended, or is not there."""
        ended = await self.tx.execute(
            "UPDATE coupons SET state = 'ended', version = version + 1 WHERE id = $1 AND state <> 'ended'", coupon_id
        )
        return ended == 1


@dataclass(frozen=True, slots=True)
class RedemptionRepository:
    """Who redeems what; in the transaction's organization."""

    tx: Transaction

    async def take(self, code: str, plan: str, *, subscribed_before: bool) -> Row | None:
        """Count one more redemption of a code and its coupon, if there is one to be had; None if not.

        Whoever comes at the same moment waits for the row and then finds it counted.
        """
        row = await self.tx.fetchrow(
            """
            UPDATE promotion_codes AS held SET taken = held.taken + 1
            FROM coupons AS coupon
            WHERE held.code = $1 AND coupon.id = held.coupon_id AND coupon.state = 'made' AND held.ended_at IS NULL
              AND (held.most IS NULL OR held.taken < held.most)
              AND (held.expires_at IS NULL OR held.expires_at > kit_now())
              AND (coupon.expires_at IS NULL OR coupon.expires_at > kit_now())
              AND (coupon.plans = '{}' OR $2 = ANY (coupon.plans))
              AND (NOT coupon.first_only OR NOT $3)
            RETURNING coupon.id, coupon.stripe_id, coupon.currency
            """,
            code,
            plan,
            subscribed_before,
        )
        if row is None:
            return None
        counted = await self.tx.execute(
            """
            UPDATE coupons SET taken = taken + 1
            WHERE id = $1 AND state = 'made' AND (most IS NULL OR taken < most)
            """,
            row["id"],
        )
        return row if counted == 1 else None

    async def add(self, coupon_id: UUID, code: str, checkout_id: UUID) -> bool:
        """Write it down for the organization; False when it has redeemed the coupon before."""
        added = await self.tx.execute(
            """
            INSERT INTO redemptions (organization_id, coupon_id, code, checkout_id) VALUES ($1, $2, $3, $4)
            ON CONFLICT (organization_id, coupon_id) DO NOTHING
            """,
            self.tx.organization_id,
            coupon_id,
            code,
            checkout_id,
        )
        return added == 1

    async def redeem(self, checkout_id: UUID) -> None:
        """The payment has come: it stays."""
        await self.tx.execute(
            """
            UPDATE redemptions SET redeemed_at = kit_now()
            WHERE checkout_id = $1 AND organization_id = $2 AND redeemed_at IS NULL
            """,
            checkout_id,
            self.tx.organization_id,
        )

    async def give_back(self, checkout_id: UUID) -> None:
        """No payment came: somebody else may have it."""
        row = await self.tx.fetchrow(
            """
            DELETE FROM redemptions WHERE checkout_id = $1 AND organization_id = $2 AND redeemed_at IS NULL
            RETURNING code, coupon_id
            """,
            checkout_id,
            self.tx.organization_id,
        )
        if row is not None:
            await self.tx.execute("UPDATE promotion_codes SET taken = taken - 1 WHERE code = $1", row["code"])
            await self.tx.execute("UPDATE coupons SET taken = taken - 1 WHERE id = $1", row["coupon_id"])

    async def coupon_of(self, checkout_ids: Collection[UUID]) -> Mapping[UUID, str]:
        """Stripe's ids of the coupons that these checkouts redeem."""
        rows = await self.tx.fetch(
            """
            SELECT r.checkout_id, c.stripe_id FROM redemptions AS r JOIN coupons AS c ON c.id = r.coupon_id
            WHERE r.checkout_id = ANY ($1)
            """,
            list(checkout_ids),
        )
        return {row["checkout_id"]: row["stripe_id"] for row in rows}


def _coupon(row: Row, codes: Sequence[Code]) -> Coupon:
    values = dict(row)
    names = [name.strip() for name in _TERMS.split(",")]
    terms = Terms(**{name: values.pop(name) for name in names})
    return Coupon(**values, terms=_typed(terms), codes=codes)


def _typed(terms: Terms) -> Terms:
    return Terms(
        terms.name,
        Duration(terms.duration),
        terms.percent_off,
        terms.amount_off,
        terms.currency,
        terms.months,
        tuple(terms.plans),
        terms.first_only,
        terms.most,
        terms.expires_at,
    )
