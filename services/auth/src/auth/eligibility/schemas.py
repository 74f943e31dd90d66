from collections.abc import Sequence
from typing import Self
from uuid import UUID

from pydantic import AwareDatetime, Field, SecretStr

from auth.eligibility.model import SAYS, ClaimState, Eligibility, Reason
from kit.http.models import Model, Out


class ClaimSubscription(Model):
    """What came with the purchase."""

    code: SecretStr = Field(max_length=64, description="26 letters and digits, however they are written.")


class SubscriptionClaimOut(Out):
    """A claim, without its code."""

    id: UUID
    state: ClaimState
    expires_at: AwareDatetime = Field(description="Until when it is looked for.")
    created_at: AwareDatetime
    version: int


class ReasonOut(Out):
    """Why not."""

    code: Reason
    says: str


class OwnedOut(Out):
    """One organization that the caller owns."""

    organization_id: UUID
    plan: str | None = Field(description="Null until billing has spoken of it.")
    eligible: bool
    reasons: list[ReasonOut]


class EligibilityOut(Out):
    """Whether the caller may start or link a subscription."""

    eligible: bool = Field(description="Whether there is an organization for which they may.")
    reasons: list[ReasonOut] = Field(description="Why they may not, whatever the organization.")
    organizations: list[OwnedOut] = Field(description="Those that the caller owns, at most a hundred.")

    @classmethod
    def of(cls, found: Eligibility) -> Self:
        """The eligibility as shown."""
        return cls(
            eligible=found.eligible,
            reasons=_told(found.reasons),
            organizations=[
                OwnedOut(
                    organization_id=each.organization_id,
                    plan=each.plan,
                    eligible=not found.reasons and not each.reasons,
                    reasons=_told(each.reasons),
                )
                for each in found.owned
            ],
        )


def _told(reasons: Sequence[Reason]) -> list[ReasonOut]:
    return [ReasonOut(code=reason, says=SAYS[reason]) for reason in reasons]
