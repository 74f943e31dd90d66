"""Whom staff means: a filter over all users, the same for bulk operations, announcements and exports."""

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.names import PlanName, RoleName

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]


class Audience(BaseModel):
    """All users who are all of this; what is left out does not matter. Roles and plans hold in one organization."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verified: bool | None = None
    suspended: bool | None = None
    created_from: AwareDatetime | None = None
    created_until: Annotated[AwareDatetime | None, Field(description="Up to, and without, this moment.")] = None
    active_since: Annotated[AwareDatetime | None, Field(description="Had a session that was used since then.")] = None
    organization_id: UUID | None = None
    roles: Annotated[tuple[RoleName, ...], Field(max_length=20)] | None = None
    plans: Annotated[tuple[PlanName, ...], Field(max_length=20)] | None = None
    languages: Annotated[tuple[Language, ...], Field(max_length=50)] | None = None

    @classmethod
    def read(cls, stored: Any) -> Self:
        """As it was stored."""
        return cls.model_validate(stored)

    def stored(self) -> dict[str, Any]:
        """As JSON."""
        return self.model_dump(mode="json", exclude_none=True)
