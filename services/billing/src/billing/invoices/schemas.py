from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, Field

from billing.invoices.model import Invoice
from kit.http.models import Out


class LineOut(Out):
    """A line of an invoice; amounts in the minor unit of its currency."""

    amount: int
    tax: int
    quantity: int
    proration: bool = Field(description="Whether it is for a part of a period, because something changed in it.")
    period_start: AwareDatetime
    period_end: AwareDatetime


class InvoiceOut(Out):
    """An invoice; amounts are integers in the minor unit of its currency."""

    id: UUID
    number: str | None = Field(description="The number it was issued under; none while it is a draft.")
    status: str
    reason: str = Field(description="Why it was made, as `subscription_cycle`.")
    currency: str
    subtotal: int
    discount: int
    tax: int
    total: int
    due: int
    paid: int
    remaining: int
    credited: int = Field(description="What credit notes take off.")
    period_start: AwareDatetime
    period_end: AwareDatetime
    due_at: AwareDatetime | None
    next_attempt_at: AwareDatetime | None = Field(description="When payment is tried again by itself.")
    attempts: int
    finalized_at: AwareDatetime | None
    paid_at: AwareDatetime | None
    created_at: AwareDatetime
    version: int
    lines: list[LineOut]

    @classmethod
    def of(cls, invoice: Invoice) -> "InvoiceOut":
        """The invoice as it is shown."""
        seen = invoice.seen
        own: dict[str, Any] = {"id": invoice.id, "credited": invoice.credited, "version": invoice.version}
        lines = [LineOut.model_validate(line) for line in seen.lines]
        shown = {name: getattr(seen, name) for name in cls.model_fields if name not in {*own, "lines"}}
        return cls(**own, **shown, lines=lines)


class InvoiceLinkOut(Out):
    """Where an invoice is shown, paid and confirmed; good for some weeks, and never to be passed on."""

    page: str = Field(description="The page of the payment provider that shows it, and lets it be paid or confirmed.")
    pdf: str | None = Field(description="It as a PDF; none while it is made.")
