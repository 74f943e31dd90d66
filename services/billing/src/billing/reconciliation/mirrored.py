"""What money we mirror, as the nightly comparison sees it."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from billing.credit_notes.repository import CreditNoteRepository
from billing.credit_notes.seeing import seen_of as credit_note_of
from billing.disputes.repository import DisputeRepository
from billing.disputes.seeing import seen_of as dispute_of
from billing.invoices.repository import InvoiceRepository
from billing.invoices.seeing import seen_of as invoice_of
from billing.payments.repository import PaymentRepository
from billing.payments.seeing import seen_of as payment_of
from billing.reconciliation.model import Json
from billing.refunds.repository import RefundRepository
from billing.refunds.seeing import seen_of as refund_of
from billing.stripe_objects import Unreadable
from kit.db.database import Transaction

REACH: Final = timedelta(days=200)
"""How old money may be that still changes of itself: a bank may dispute it, or send a refund back."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """One type: how rows of ours and objects of a list become values, and the names that must be the same in both."""

    type: str
    path: str
    ours: Callable[[Transaction, Collection[str]], Awaitable[Mapping[str, Any]]]
    theirs: Callable[[Json], Any]
    fields: Sequence[str]
    params: Json = field(default_factory=dict)
    reach: timedelta | None = REACH

    async def differences(self, tx: Transaction, listed: Mapping[str, Json]) -> Mapping[str, Sequence[str]]:
        """The names of what differs, for each that we hold."""
        ours = await self.ours(tx, list(listed))
        return {key: self._differs(each, listed[key]) for key, each in ours.items()}

    def _differs(self, ours: Any, listed: Json) -> Sequence[str]:
        try:
            theirs = self.theirs(listed)
        except Unreadable:
            return ("everything",)
        return [name for name in self.fields if getattr(ours, name) != getattr(theirs, name)]


async def _invoices(tx: Transaction, stripe_ids: Collection[str]) -> Mapping[str, Any]:
    return {key: each.seen for key, each in (await InvoiceRepository(tx).by_stripe_ids(stripe_ids)).items()}


async def _payments(tx: Transaction, stripe_ids: Collection[str]) -> Mapping[str, Any]:
    return {key: each.seen for key, each in (await PaymentRepository(tx).by_stripe_ids(stripe_ids)).items()}


async def _refunds(tx: Transaction, stripe_ids: Collection[str]) -> Mapping[str, Any]:
    return await RefundRepository(tx).by_stripe_ids(stripe_ids)


async def _credit_notes(tx: Transaction, stripe_ids: Collection[str]) -> Mapping[str, Any]:
    return await CreditNoteRepository(tx).by_stripe_ids(stripe_ids)


async def _disputes(tx: Transaction, stripe_ids: Collection[str]) -> Mapping[str, Any]:
    return {key: each.seen for key, each in (await DisputeRepository(tx).by_stripe_ids(stripe_ids)).items()}


_OF_AN_INVOICE: Final = (
    "status number currency subtotal discount tax total due paid remaining attempts finalized_at paid_at"
)
_WITH_ITS_PAYMENT: Final[Json] = {"expand": ["data.payment_intent"]}

MONEY: Final[Sequence[Mirrored]] = (
    Mirrored("invoice", "/v1/invoices", _invoices, lambda each: invoice_of(each, ()), _OF_AN_INVOICE.split()),
    Mirrored(
        "payment_intent",
        "/v1/payment_intents",
        _payments,
        payment_of,
        ("charge", "currency", "amount", "received", "state", "failure"),
    ),
    Mirrored(
        "refund", "/v1/refunds", _refunds, refund_of, ("currency", "amount", "state", "failure"), _WITH_ITS_PAYMENT
    ),
    Mirrored(
        "credit_note", "/v1/credit_notes", _credit_notes, credit_note_of, ("currency", "amount", "state", "number")
    ),
    Mirrored(
        "dispute",
        "/v1/disputes",
        _disputes,
        dispute_of,
        ("currency", "amount", "reason", "state", "evidence_due_at"),
        _WITH_ITS_PAYMENT,
    ),
)
"""In the order in which one leads to the owner of the next."""
