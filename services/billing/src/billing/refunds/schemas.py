from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from kit.http.models import Model, Out


class IssueRefund(Model):
    """Give money back."""

    amount: int | None = Field(None, ge=1, lt=2**53, description="In the minor unit; all that is left, if absent.")
    reason: Literal["duplicate", "fraudulent", "requested_by_customer", "other"]


class RefundOut(Out):
    """Money that is given back; the amount in the minor unit of its currency."""

    id: UUID
    payment_id: UUID
    currency: str
    amount: int
    reason: str
    state: str = Field(
        description="`asked`, `pending`, `action_required`, `succeeded`, `failed` or `cancelled`; one that succeeded "
        "may fail days later, when the bank sends the money back."
    )
    failure: str
    version: int
    created_at: AwareDatetime
