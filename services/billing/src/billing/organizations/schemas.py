from uuid import UUID

from pydantic import Field

from kit.http.models import Out


class BillingOrganizationOut(Out):
    """The plan of an organization and what it may use."""

    organization_id: UUID
    plan: str = Field(examples=["free"])
    status: str = Field(examples=["active"])
    seats_used: int = Field(description="Members at present; events bring it up to date within moments.")
    entitlements: dict[str, int | None] = Field(
        description="Units included per meter; null is no limit, an absent meter is not included.",
        examples=[{"seats": 3, "posts_per_month": 30}],
    )
    version: int = Field(description="Rises with every change of the above; also the ETag.")
