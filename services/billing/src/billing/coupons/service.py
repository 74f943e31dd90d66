from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from billing.coupons.errors import CodeTaken, CouponNotFound, CouponRefused
from billing.coupons.kind import KIND, PLATFORM
from billing.coupons.model import Coupon, Terms
from billing.coupons.repository import CouponRepository
from billing.errors import PaymentsOff
from billing.stripe_api import StripeApi
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.idempotency import Idempotency
from kit.http.pagination import PageRequest
from kit.http.staff import StaffCaller
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect


@dataclass(frozen=True, slots=True)
class NewCode:
    """A code that is wanted, and how often it may be redeemed."""

    code: str
    most: int | None


@dataclass(frozen=True, slots=True)
class CouponService:
    """Coupons as staff make and end them."""

    database: Database
    ledger: Ledger
    stripe: StripeApi

    async def create(self, terms: Terms, codes: Sequence[NewCode], staff: StaffCaller, key: Idempotency) -> Coupon:
        """Make a coupon with its codes, here and at Stripe.

        Raises:
            PaymentsOff: nothing is sold here.
            CodeTaken: one of the codes is there already; nothing was made.
            CouponRefused: Stripe will not have it.
            TransientError: Stripe has not answered; it is made as soon as it does.
        """
        if not self.stripe.on:
            raise PaymentsOff
        async with self.database.transaction() as tx:
            earlier = await key.claim(tx)
            coupon_id = earlier.resource_id if earlier else await self._add(tx, terms, codes, staff)
            if earlier is None:
                await key.remember(tx, coupon_id)
        await self.ledger.perform(Effect(KIND, PLATFORM, coupon_id))
        coupon = await self.find(coupon_id)
        if coupon.state == "refused":
            raise CouponRefused(coupon.reason)
        return coupon

    async def _add(self, tx: Transaction, terms: Terms, codes: Sequence[NewCode], staff: StaffCaller) -> UUID:
        coupon_id, coupons = new_id(), CouponRepository(tx)
        await coupons.add(coupon_id, terms, staff.staff_id)
        for each in codes:
            if not await coupons.add_code(coupon_id, each.code, each.most, staff.staff_id):
                raise CodeTaken(promotion_code=each.code)
        await tx.emit(audited("billing.coupon.created", staff, "coupon", coupon_id, codes=len(codes)))
        return coupon_id

    async def find(self, coupon_id: UUID) -> Coupon:
        """One coupon.

        Raises:
            CouponNotFound: there is none.
        """
        async with self.database.transaction() as tx:
            found = await CouponRepository(tx).find(coupon_id)
        if found is None:
            raise CouponNotFound
        return found

    async def page(self, page: PageRequest) -> tuple[Sequence[Coupon], str | None]:
        """All coupons, the newest first."""
        before = page.after(UUID)
        async with self.database.transaction() as tx:
            rows = await CouponRepository(tx).page(before[0] if before else None, page.limit + 1)
        return page.cut(rows, lambda coupon: (coupon.id,))

    async def end(self, coupon_id: UUID, staff: StaffCaller) -> Coupon:
        """Let nobody redeem it any more; who has, keeps it.

        Raises:
            CouponNotFound: there is none.
        """
        async with self.database.transaction() as tx:
            if await CouponRepository(tx).end(coupon_id):
                await tx.emit(audited("billing.coupon.ended", staff, "coupon", coupon_id))
        return await self.find(coupon_id)
