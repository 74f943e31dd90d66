"""How payment and setup intents are read at Stripe and followed here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from billing.payments.declines import decline
from billing.payments.model import Change, Payment, Seen, begun, change
from billing.payments.repository import PaymentRepository, SetupRepository
from billing.payments.seeing import seen_of, setup_of
from billing.readings.model import Named
from billing.readings.reading import ask
from billing.stripe_api import StripeApi
from billing.stripe_objects import Json, Unreadable, id_of
from contracts.event import Event
from contracts.money import PaymentActionRequired, PaymentFailed, PaymentSucceeded
from kit.db.database import Transaction
from kit.ids import new_id
from kit.ledger.model import Refused


@dataclass(frozen=True, slots=True)
class Found:
    """An intent, and the refunds and disputes there are about it, by their ids."""

    seen: Seen
    about: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class PaymentReader:
    """Follows payment intents.

    Refunds and disputes of a payment that is not known here yet cannot be kept; so whoever reads it for the first
    time has them read again.
    """

    stripe: StripeApi

    type: str = "payment_intent"

    async def read(self, object_id: str) -> Found:
        """The intent, and what is about it."""
        intent = await self.stripe.get(f"/v1/payment_intents/{object_id}", {"expand": ["latest_charge"]})
        try:
            charge: Any = intent.get("latest_charge") or {}
            about: list[Named] = []
            if charge.get("amount_refunded"):
                about += await self._about("refund", "/v1/refunds", object_id)
            if charge.get("disputed"):
                about += await self._about("dispute", "/v1/disputes", object_id)
            return Found(seen_of(intent), tuple(about))
        except (Unreadable, TypeError) as trouble:
            raise Refused("The payment could not be understood.", code="unreadable", said=str(trouble)) from trouble

    async def _about(self, kind: str, path: str, payment_id: str) -> Sequence[Named]:
        return [
            Named(kind, id_of(each["id"])) async for each in self.stripe.pages(path, {"payment_intent": payment_id})
        ]

    async def apply(self, tx: Transaction, found: Found, ticket: int) -> None:  # noqa: ARG002 - as readings have it
        """Bring the row up to it and tell what happened."""
        before, after = await follow(tx, found.seen)
        if before is None or before.seen.received != after.seen.received:
            await ask(tx, *found.about)


async def follow(tx: Transaction, seen: Seen) -> tuple[Payment | None, Payment]:
    """The payment before and after this was seen; the same one seen again changes and tells nothing."""
    payments = PaymentRepository(tx)
    before = await payments.lock(seen.stripe_id)
    if before is None:
        after = begun(new_id(), seen)
        await payments.add(after)
    else:
        after = before.follow(seen)
        if after is not before:
            await payments.save(after)
    happened = change(before, after)
    if happened is not None:
        await tx.emit(_fact(happened, after, await payments.invoice_of(seen.stripe_id)))
    return before, after


def _fact(happened: Change, payment: Payment, invoice_id: Any) -> Event:
    seen = payment.seen
    said: dict[str, Any] = {
        "payment_id": payment.id,
        "invoice_id": invoice_id,
        "currency": seen.currency,
        "version": payment.version,
    }
    match happened:
        case Change.FAILED:
            again = decline(seen.failure).again
            return PaymentFailed(amount=seen.amount, failure=seen.failure, again=again, **said)
        case Change.ACTION_REQUIRED:
            return PaymentActionRequired(amount=seen.amount, **said)
        case _:
            return PaymentSucceeded(amount=seen.received, recovered=happened is Change.RECOVERED, **said)


@dataclass(frozen=True, slots=True)
class SetupReader:
    """Follows setup intents; nothing is told of them, for whoever keeps a card is there to see it."""

    stripe: StripeApi

    type: str = "setup_intent"

    async def read(self, object_id: str) -> Seen:
        """The intent."""
        intent: Json = await self.stripe.get(f"/v1/setup_intents/{object_id}")
        try:
            return setup_of(intent)
        except Unreadable as trouble:
            raise Refused("The setup could not be understood.", code="unreadable", said=str(trouble)) from trouble

    async def apply(self, tx: Transaction, found: Seen, ticket: int) -> None:  # noqa: ARG002 - as readings have it
        """Bring the row up to it."""
        await SetupRepository(tx).save(new_id(), found)
