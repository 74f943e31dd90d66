"""What the billing service says: plans and what they allow."""

from typing import Annotated, ClassVar

from pydantic import Field

from contracts.audit import AuditEntry
from contracts.event import Audience, Event
from contracts.names import TEAM, Name, PlanName


class EntitlementsChanged(Event):
    """What an organization may use changed, with its plan or by itself; this is the whole new state."""

    type: ClassVar[str] = "billing.entitlements.changed.v1"
    subject: ClassVar[str] = "organization_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    plan: PlanName = Field(description="The plan from now on.")
    limits: dict[Name, Annotated[int, Field(ge=0, lt=2**63)] | None] = Field(
        description="Per meter, how many units are included; null means without limit, "
        "a meter that is absent is not included.",
        examples=[{"seats": 3, "posts_per_month": 30}],
    )


class BillingAuditRecorded(AuditEntry):
    """Something about plans, payments or what may be used was done that the audit trail keeps."""

    type: ClassVar[str] = "billing.audit.recorded.v1"
