"""What the billing service says of money: invoices, payments, refunds, credit notes, disputes, and credits."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.event import Audience, Event
from contracts.names import TEAM, Name

Currency = Annotated[str, Field(pattern=r"^[a-z]{3}$", examples=["eur"])]
Amount = Annotated[int, Field(ge=0, lt=2**53)]


class CreditsGranted(Event):
    """An organization was granted credits: units that it may spend, one lot of them."""

    type: ClassVar[str] = "billing.credits.granted.v1"
    subject: ClassVar[str] = "lot_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    lot_id: UUID = Field(description="The lot.")
    amount: int = Field(ge=1, lt=2**63, description="How many credits.")
    expires_at: AwareDatetime | None = Field(default=None, description="When what is left of them ends.")
    available: int = Field(ge=0, lt=2**63, description="What the organization can spend from now on.")


class CreditsSpent(Event):
    """An organization spent credits; once per spend, however often it was asked for."""

    type: ClassVar[str] = "billing.credits.spent.v1"
    subject: ClassVar[str] = "spend_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    spend_id: UUID = Field(description="The spend, by the id that its spender chose.")
    amount: int = Field(ge=1, lt=2**63, description="How many credits.")
    purpose: Name = Field(description="For what.", examples=["image_generation"])
    available: int = Field(ge=0, lt=2**63, description="What the organization can spend from now on.")


class CreditsReturned(Event):
    """Credits that were spent were given back, into the lots they came from."""

    type: ClassVar[str] = "billing.credits.returned.v1"
    subject: ClassVar[str] = "spend_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    spend_id: UUID = Field(description="The spend that is undone, wholly or in part.")
    amount: int = Field(ge=1, lt=2**63, description="How many credits.")
    available: int = Field(ge=0, lt=2**63, description="What the organization can spend from now on.")


class CreditsExpired(Event):
    """What was left of a lot of credits has ended: by itself, or because staff ended it."""

    type: ClassVar[str] = "billing.credits.expired.v1"
    subject: ClassVar[str] = "lot_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    lot_id: UUID = Field(description="The lot.")
    amount: int = Field(ge=1, lt=2**63, description="How many credits were left of it.")
    available: int = Field(ge=0, lt=2**63, description="What the organization can spend from now on.")


class AboutInvoice(Event):
    """What is said of an invoice whenever something is."""

    subject: ClassVar[str] = "invoice_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    invoice_id: UUID = Field(description="The invoice.")
    total: int = Field(ge=1 - 2**53, lt=2**53, description="The total, in the minor unit of the currency.")
    tax: int = Field(ge=1 - 2**53, lt=2**53, description="How much of it is tax, in the minor unit.")
    currency: Currency = Field(description="In which currency, as ISO 4217 has it.")


class InvoiceFinalized(AboutInvoice):
    """An invoice was issued; what it says never changes from now on."""

    type: ClassVar[str] = "billing.invoice.finalized.v1"


class InvoicePaid(AboutInvoice):
    """An invoice is paid, by money or by what the customer had left."""

    type: ClassVar[str] = "billing.invoice.paid.v1"


class InvoiceVoided(AboutInvoice):
    """An invoice is not to be paid any more: it was voided, or given up."""

    type: ClassVar[str] = "billing.invoice.voided.v1"


class PaymentSucceeded(Event):
    """Money was received."""

    type: ClassVar[str] = "billing.payment.succeeded.v1"
    subject: ClassVar[str] = "payment_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    payment_id: UUID = Field(description="The payment.")
    invoice_id: UUID | None = Field(default=None, description="The invoice it pays, where that is known yet.")
    amount: Amount = Field(description="How much, in the minor unit of the currency.")
    currency: Currency = Field(description="In which currency, as ISO 4217 has it.")
    recovered: bool = Field(description="Whether a try had failed before, or its payer had to confirm.")


class PaymentFailed(Event):
    """A try to pay failed; another may succeed. Each failed try is one fact."""

    type: ClassVar[str] = "billing.payment.failed.v1"
    subject: ClassVar[str] = "payment_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    payment_id: UUID = Field(description="The payment.")
    invoice_id: UUID | None = Field(default=None, description="The invoice it pays, where that is known yet.")
    amount: Amount = Field(description="How much, in the minor unit of the currency.")
    currency: Currency = Field(description="In which currency, as ISO 4217 has it.")
    failure: Name = Field(description="Why, as a name.", examples=["insufficient_funds"])
    again: bool = Field(description="Whether the same card may succeed later by itself.")


class PaymentActionRequired(Event):
    """A payment waits for its payer, whose bank wants them to confirm it (3-D Secure)."""

    type: ClassVar[str] = "billing.payment.action_required.v1"
    subject: ClassVar[str] = "payment_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    payment_id: UUID = Field(description="The payment.")
    invoice_id: UUID | None = Field(default=None, description="The invoice it pays, where that is known yet.")
    amount: Amount = Field(description="How much, in the minor unit of the currency.")
    currency: Currency = Field(description="In which currency, as ISO 4217 has it.")


class RefundIssued(Event):
    """Money is on its way back to its payer."""

    type: ClassVar[str] = "billing.refund.issued.v1"
    subject: ClassVar[str] = "refund_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    refund_id: UUID = Field(description="The refund.")
    payment_id: UUID = Field(description="The payment.")
    amount: Amount = Field(description="How much, in the minor unit of the currency.")
    currency: Currency = Field(description="In which currency, as ISO 4217 has it.")


class RefundFailed(Event):
    """A refund was not accepted, or its money came back: nothing was given back."""

    type: ClassVar[str] = "billing.refund.failed.v1"
    subject: ClassVar[str] = "refund_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    refund_id: UUID = Field(description="The refund.")
    payment_id: UUID = Field(description="The payment.")
    amount: Amount = Field(description="How much, in the minor unit of the currency.")
    currency: Currency = Field(description="In which currency, as ISO 4217 has it.")


class CreditNoteIssued(Event):
    """An invoice was corrected by a credit note."""

    type: ClassVar[str] = "billing.credit_note.issued.v1"
    subject: ClassVar[str] = "credit_note_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    credit_note_id: UUID = Field(description="The credit note.")
    invoice_id: UUID = Field(description="The invoice.")
    amount: Amount = Field(description="How much, in the minor unit of the currency.")
    currency: Currency = Field(description="In which currency, as ISO 4217 has it.")


class CreditNoteVoided(Event):
    """A credit note is void; the invoice stands as before it."""

    type: ClassVar[str] = "billing.credit_note.voided.v1"
    subject: ClassVar[str] = "credit_note_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    credit_note_id: UUID = Field(description="The credit note.")
    invoice_id: UUID = Field(description="The invoice.")
    amount: Amount = Field(description="How much, in the minor unit of the currency.")
    currency: Currency = Field(description="In which currency, as ISO 4217 has it.")


class DisputeOpened(Event):
    """A payer's bank took a payment back, or asks about it."""

    type: ClassVar[str] = "billing.dispute.opened.v1"
    subject: ClassVar[str] = "dispute_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    dispute_id: UUID = Field(description="The dispute.")
    payment_id: UUID = Field(description="The payment.")
    amount: Amount = Field(description="How much, in the minor unit of the currency.")
    currency: Currency = Field(description="In which currency, as ISO 4217 has it.")
    reason: Name = Field(description="Why, as a name.", examples=["fraudulent"])
    evidence_due_at: AwareDatetime | None = Field(default=None, description="Until when it can be answered.")


class DisputeClosed(Event):
    """A dispute is over."""

    type: ClassVar[str] = "billing.dispute.closed.v1"
    subject: ClassVar[str] = "dispute_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    dispute_id: UUID = Field(description="The dispute.")
    payment_id: UUID = Field(description="The payment.")
    outcome: Name = Field(description="`won`, `lost`, or `closed` without either.", examples=["won"])
