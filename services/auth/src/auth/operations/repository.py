from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from auth.operations.audience import Audience
from kit.db.database import Transaction

_FIRST: Final = UUID(int=0)
_SELECTED: Final = "users_selected($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"


@dataclass(frozen=True, slots=True)
class NamedUsers:
    """Users as staff names them in lists."""

    tx: Transaction

    async def among(self, user_ids: Collection[UUID]) -> frozenset[UUID]:
        """Those that there are."""
        rows = await self.tx.fetch("SELECT id FROM users WHERE id = ANY ($1::uuid[])", list(user_ids))
        return frozenset(row["id"] for row in rows)

    async def by_address(self, blinds: Collection[bytes]) -> dict[bytes, UUID]:
        """Whose these addresses are, proven or not."""
        rows = await self.tx.fetch(
            "SELECT blind, user_id FROM identities WHERE kind = 'email' AND blind = ANY ($1::bytea[])", list(blinds)
        )
        return {row["blind"]: row["user_id"] for row in rows}


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
