from uuid import UUID

from pydantic import AwareDatetime, Field

from billing.disputes.model import Dispute
from kit.http.models import Out


class DisputeOut(Out):
    """A payment that its payer's bank took back, or asks about; the amount in the minor unit of its currency."""

    id: UUID
    payment_id: UUID
    currency: str
    amount: int
    reason: str
    state: str = Field(description="`inquiry`, `opened`, `under_review`, `won`, `lost` or `closed`.")
    evidence_due_at: AwareDatetime | None = Field(description="Until when it can be answered.")
    withholds: bool = Field(description="Whether the plan that is paid for is withheld because it was lost.")
    version: int
    created_at: AwareDatetime

    @classmethod
    def of(cls, dispute: Dispute) -> "DisputeOut":
        """The dispute as it is shown."""
        own = {name: getattr(dispute, name) for name in ("id", "payment_id", "withholds", "version")}
        seen = {name: getattr(dispute.seen, name) for name in cls.model_fields if name not in own}
        return cls(**own, **seen)
