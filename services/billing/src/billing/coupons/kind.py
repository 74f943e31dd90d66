"""The kind `billing.coupon`: a coupon comes to Stripe, under an id of ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.coupons.model import Coupon
from billing.coupons.repository import CouponRepository
from billing.stripe_api import TIMING, StripeApi
from kit.db.database import Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Entry, Found, Lane, Look, Receipt, Refused, Settled, Status

KIND: Final = "billing.coupon"
PLATFORM: Final = Lane(None, "stripe coupons")
_THERE_ALREADY: Final = "resource_already_exists"


@dataclass(frozen=True, slots=True)
class CouponCreation:
    """Makes a coupon."""

    stripe: StripeApi

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Coupon]:
        """The rows."""
        found = await CouponRepository(tx).by_ids([entry.subject_id for entry in entries])
        return {entry.id: found[entry.subject_id] for entry in entries if entry.subject_id in found}

    async def call(self, entry: Entry, work: Coupon) -> Receipt:
        """Make it; one that is there under our id is the one."""
        params = work.at_stripe()
        try:
            await self.stripe.post("/v1/coupons", params, key=f"coupon-{work.id}")
        except Refused as refusal:
            if refusal.code != _THERE_ALREADY:
                raise
        return Receipt(external_id=params["id"], said=f"attempt {entry.attempt}")

    async def look(self, entry: Entry, work: Coupon) -> Look:
        """Ask again."""
        return Found(await self.call(entry, work))

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Keep Stripe's id, or why there is none."""
        coupons = CouponRepository(tx)
        for each in settled:
            if each.status is Status.DONE and each.external_id is not None:
                await coupons.made(each.entry.subject_id, each.external_id)
            elif each.status in (Status.REFUSED, Status.UNCONFIRMED):
                await coupons.refused(each.entry.subject_id, each.reason)
