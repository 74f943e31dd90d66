from uuid import UUID

from pydantic import AwareDatetime, Field

from billing.payments.declines import decline
from billing.payments.model import Payment
from billing.pays.model import Pay
from kit.http.models import Out


class FailureOut(Out):
    """Why a payment failed."""

    code: str
    says: str = Field(description="In words for its payer.")
    again: bool = Field(description="Whether the same card may succeed later by itself.")

    @classmethod
    def of(cls, code: str) -> "FailureOut | None":
        """The words for a code; nothing where nothing failed."""
        if not code:
            return None
        found = decline(code)
        return cls(code=code, says=found.says, again=found.again)


class PaymentOut(Out):
    """A payment; amounts in the minor unit of its currency."""

    id: UUID
    invoice_id: UUID | None
    currency: str
    amount: int
    received: int
    refunded: int = Field(description="What was given back, or is on its way.")
    state: str = Field(
        description="`action_required` waits for its payer to confirm at the invoice's link; `failed` is no end."
    )
    failure: FailureOut | None
    version: int
    created_at: AwareDatetime

    @classmethod
    def of(cls, payment: Payment) -> "PaymentOut":
        """The payment as it is shown."""
        seen = payment.seen
        return cls(
            id=payment.id,
            invoice_id=payment.invoice_id,
            currency=seen.currency,
            amount=seen.amount,
            received=seen.received,
            refunded=payment.refunded,
            state=seen.state.value,
            failure=FailureOut.of(seen.failure),
            version=payment.version,
            created_at=seen.created_at,
        )


class PaymentSetupOut(Out):
    """A way to pay that is to be kept for later payments."""

    id: UUID
    state: str
    failure: FailureOut | None
    version: int
    created_at: AwareDatetime


class PayOut(Out):
    """A try to pay an open invoice again."""

    id: UUID
    invoice_id: UUID
    state: str = Field(
        description="`asked` or `unknown` while it is under way; `succeeded`; `action_required`: to be confirmed at "
        "the link of the invoice; `failed`."
    )
    failure: FailureOut | None
    created_at: AwareDatetime

    @classmethod
    def of(cls, pay: Pay) -> "PayOut":
        """The try as it is shown."""
        return cls(
            id=pay.id,
            invoice_id=pay.invoice_id,
            state=pay.state,
            failure=FailureOut.of(pay.failure),
            created_at=pay.created_at,
        )
