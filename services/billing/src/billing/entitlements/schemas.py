from uuid import UUID

from pydantic import Field

from kit.http.models import Out


class PlanOfOut(Out):
    """The plan of one organization."""

    organization_id: UUID
    plan: str
    version: int


class PlansOut(Out):
    """A page of plans, in the order of the organizations' ids."""

    plans: list[PlanOfOut]
    next: UUID | None = Field(description="The id after which to ask on; nothing at the end.")
