from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from billing.catalogue.model import MOST_SEATS, Interval
from billing.changes.model import Change, Wanted, When
from billing.changes.service import Preview
from contracts.names import PlanName
from kit.http.models import Model, Out


class Switch(Model):
    """Another plan, interval or number of seats; what is left out stays as it is."""

    plan: PlanName | None = Field(None, description="The plan to switch to.")
    interval: Interval | None = Field(None, description="How often to pay.")
    seats: int | None = Field(None, ge=0, le=MOST_SEATS, description="Seats beside those that the plan includes.")
    when: When | None = Field(
        None,
        description="At once, charged or given back by the second; or when the period ends. "
        "Left out: at once for more, at the end of the period for less.",
    )

    def wanted(self) -> Wanted:
        """As the rules want it."""
        return Wanted(self.plan, self.interval, self.seats, self.when)


class PreviewSwitch(Switch):
    """What a switch would cost."""


class SwitchSubscription(Switch):
    """Switch; with the instant of a preview, for what was previewed."""

    proration_at: AwareDatetime | None = Field(None, description="As the preview says it; good for an hour.")


class LineOut(Out):
    """One line of the invoice that a switch makes."""

    amount: int
    proration: bool = Field(description="Whether it gives back or charges a part of a period.")


class PreviewOut(Out):
    """What a switch comes to; amounts are in the currency's smallest unit, with taxes and discounts."""

    plan: str
    interval: Interval
    seats: int
    currency: str
    when: When
    effective_at: datetime
    proration_at: datetime | None = Field(description="To be sent with the switch, so that just this is charged.")
    total: int = Field(description="What is invoiced at once; less than nothing is given back as balance.")
    amount_due: int = Field(description="What is charged at once, after the balance.")
    lines: list[LineOut]
    next_amount: int = Field(description="What each period costs from then on, before taxes and discounts.")

    @classmethod
    def of(cls, preview: Preview) -> "PreviewOut":
        """As it is shown."""
        target, invoice = preview.target, preview.invoice
        lines = [] if invoice is None else invoice.lines
        return cls(
            plan=target.plan,
            interval=target.interval,
            seats=target.seats,
            currency=target.currency,
            when=preview.when,
            effective_at=preview.effective_at,
            proration_at=preview.proration_at,
            total=0 if invoice is None else invoice.total,
            amount_due=0 if invoice is None else invoice.amount_due,
            lines=[LineOut(amount=each.amount, proration=each.proration) for each in lines],
            next_amount=preview.next_amount,
        )


class ChangeOut(Out):
    """A change that was asked for, and what became of it."""

    id: UUID
    subscription_id: UUID
    action: Literal["switch", "cancel", "keep", "pause", "unpause"]
    state: Literal["pending", "scheduled", "requires_action", "applied", "refused", "superseded", "lapsed"]
    when: When | None
    plan: str | None
    interval: Interval | None
    seats: int | None
    currency: str
    total: int | None = Field(description="What was invoiced for it, in the currency's smallest unit.")
    amount_due: int | None
    expires_at: datetime | None = Field(description="Until when it can still be paid.")
    reason: str = Field(description="Why it was refused or lapsed.")
    code: str
    created_at: datetime
    version: int

    @classmethod
    def of(cls, change: Change) -> "ChangeOut":
        """As it is shown."""
        target = change.target
        return cls(
            id=change.id,
            subscription_id=change.subscription_id,
            action=change.action.value,
            state=change.state.value,
            when=change.when,
            plan=None if target is None else target.plan,
            interval=None if target is None else target.interval,
            seats=None if target is None else target.seats,
            currency=change.currency,
            total=change.total,
            amount_due=change.amount_due,
            expires_at=change.expires_at,
            reason=change.reason,
            code=change.code,
            created_at=change.created_at,
            version=change.version,
        )


class PaymentLinkOut(Out):
    """Where the payer confirms the payment, or pays with another card."""

    url: str
    expires_at: datetime | None
