from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class BillingOrganization:
    """An organization as billing sees it; `version` rises with everything in it that changes."""

    organization_id: UUID
    status: str
    plan: str
    seats_used: int
    entitlements: Mapping[str, int | None]
    version: int
