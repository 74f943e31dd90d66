from uuid import UUID

from pydantic import AwareDatetime, Field

from kit.http.models import Model, Out


class PayForClient(Model):
    """Pay for a client of your agency."""

    organization_id: UUID = Field(description="The client.")


class SponsorshipOut(Out):
    """An agency pays for a client."""

    id: UUID
    organization_id: UUID = Field(description="The client.")
    agency_id: UUID
    plan: str = Field(description="What the client has of it now; empty while the agency's own plan gives nothing.")
    ended_because: str | None = Field(description="Who ended it: `client`, `agency`, or the end of the `delegation`.")
    ended_at: AwareDatetime | None
    version: int
    created_at: AwareDatetime
