"""What a page came to: read again from Stripe whenever something hints at it, and written down once."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from billing.cards.kind import change_card
from billing.checkouts.model import Checkout, CheckoutKind, CheckoutState
from billing.checkouts.repository import CheckoutRepository, TrialRepository
from billing.coupons.repository import RedemptionRepository
from billing.readings.model import Named
from billing.readings.reading import ask
from billing.stripe_api import Json, StripeApi
from contracts.billing import CheckoutCompleted
from kit.db.database import Transaction


@dataclass(frozen=True, slots=True)
class SessionReader:
    """Reads a Checkout session again; its state only goes forward, so an older reading changes nothing."""

    stripe: StripeApi
    type: ClassVar[str] = "checkout.session"

    async def read(self, object_id: str) -> Json:
        """The session as it is now."""
        return await self.stripe.get(f"/v1/checkout/sessions/{object_id}")

    async def apply(self, tx: Transaction, found: Json, ticket: int) -> None:  # noqa: ARG002 - it only goes forward
        """Write down what it came to."""
        await apply(tx, found)


async def apply(tx: Transaction, session: Json) -> None:
    """Carry the end of a session of the transaction's organization into its row; an open one changes nothing.

    The session names our row, so it may be heard of before the answer with its id has been written down.
    """
    checkout_id = _row_id(session)
    checkout = await CheckoutRepository(tx).lock(checkout_id) if checkout_id else None
    if checkout is None or checkout.stripe_session_id not in (None, session["id"]):
        return
    match session["status"]:
        case "complete":
            await _completed(tx, checkout, session)
        case "expired":
            await _expired(tx, checkout, session)


async def give_back(tx: Transaction, checkout_id: UUID) -> None:
    """Nothing was bought: the trial and the coupon are to be had again."""
    await TrialRepository(tx).give_back(checkout_id)
    await RedemptionRepository(tx).give_back(checkout_id)


async def _completed(tx: Transaction, checkout: Checkout, session: Json) -> None:
    subscription, setup = _id(session.get("subscription")), _id(session.get("setup_intent"))
    version = await CheckoutRepository(tx).ended(
        checkout.id, CheckoutState.COMPLETED, session["id"], subscription_id=subscription, setup_id=setup
    )
    if version is None:
        return
    await TrialRepository(tx).redeem(checkout.id)
    await RedemptionRepository(tx).redeem(checkout.id)
    if checkout.kind is CheckoutKind.CARD:
        await change_card(tx, checkout.id)
    if checkout.offer is not None:
        await tx.emit(
            CheckoutCompleted(
                organization_id=tx.organization_id,
                checkout_id=checkout.id,
                version=version,
                plan=checkout.offer.plan,
                interval=checkout.offer.interval.value,
                currency=checkout.offer.currency,
                seats=checkout.offer.seats,
                trial_days=checkout.offer.trial_days,
            )
        )
    if subscription is not None:
        await ask(tx, Named("subscription", subscription))


async def _expired(tx: Transaction, checkout: Checkout, session: Json) -> None:
    if await CheckoutRepository(tx).ended(checkout.id, CheckoutState.EXPIRED, session["id"]):
        await give_back(tx, checkout.id)


def _row_id(session: Json) -> UUID | None:
    try:
        return UUID(str(session.get("client_reference_id")))
    except ValueError:
        return None


def _id(value: Any) -> str | None:
    """An id, where the object is named or stands there whole."""
    found: str | None = value["id"] if isinstance(value, dict) else value
    return found
