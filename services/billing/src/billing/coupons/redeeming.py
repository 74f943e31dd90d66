"""How a coupon is redeemed: taken with the checkout, kept with the payment, given back without one."""

from uuid import UUID

from billing.coupons.errors import CodeUnknown, CouponSpent
from billing.coupons.repository import RedemptionRepository
from kit.db.database import Transaction
from kit.errors import FieldError


async def take(
    tx: Transaction, checkout_id: UUID, code: str, plan: str, currency: str, *, subscribed_before: bool
) -> None:
    """Redeem a code for a checkout whose row is there.

    Raises:
        CodeUnknown: it does not exist, is over, is spent by others, or is not for this plan, currency or customer.
        CouponSpent: the organization has redeemed its coupon before.
    """
    redemptions = RedemptionRepository(tx)
    taken = await redemptions.take(code, plan, subscribed_before=subscribed_before)
    if taken is None or taken["currency"] not in (None, currency):
        raise CodeUnknown(errors=[FieldError("#/promotion_code", "Leave it out, or take another code.")])
    if not await redemptions.add(taken["id"], code, checkout_id):
        raise CouponSpent
