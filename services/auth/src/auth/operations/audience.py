"""Whom staff means: a filter over all users, the same for bulk operations, announcements and exports."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.names import PlanName, RoleName
from kit.db.database import Transaction

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
_FIRST: Final = UUID(int=0)
_SELECTED: Final = "users_selected($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"


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


@dataclass(frozen=True, slots=True)
class AudienceRepository:
    """Finds the users of an audience, across tenants."""

    tx: Transaction

    async def page(self, audience: Audience, after: UUID | None, limit: int) -> list[UUID]:
        """Users by id."""
        rows = await self.tx.fetch(
            f"SELECT id FROM {_SELECTED}",  # noqa: S608 - a constant
            after or _FIRST,
            limit,
            *_arguments(audience),
        )
        return [row["id"] for row in rows]

    async def count(self, audience: Audience) -> int:
        """How many there are."""
        return int(
            await self.tx.fetchval(
                f"SELECT count(*) FROM {_SELECTED}",  # noqa: S608 - a constant
                _FIRST,
                None,
                *_arguments(audience),
            )
        )


def _arguments(audience: Audience) -> Sequence[Any]:
    return (
        audience.verified,
        audience.suspended,
        audience.created_from,
        audience.created_until,
        audience.active_since,
        audience.organization_id,
        None if audience.roles is None else list(audience.roles),
        None if audience.plans is None else list(audience.plans),
        None if audience.languages is None else list(audience.languages),
    )
