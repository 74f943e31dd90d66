from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from kit.http.models import Model, Out


class IssueCreditNote(Model):
    """Correct an invoice: less is due of an open one, a paid one's amount goes to the customer's balance."""

    amount: int = Field(ge=1, lt=2**53, description="By how much, in the minor unit, tax included.")
    reason: Literal["duplicate", "fraudulent", "order_change", "product_unsatisfactory", "other"]


class CreditNoteOut(Out):
    """A correction of an invoice; the amount in the minor unit of its currency."""

    id: UUID
    invoice_id: UUID
    number: str | None
    currency: str
    amount: int
    reason: str
    state: str = Field(description="`asked`, `issued`, `void`, or `refused` by the payment provider.")
    failure: str
    version: int
    created_at: AwareDatetime
