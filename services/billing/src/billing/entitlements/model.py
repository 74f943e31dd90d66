from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PlanOf:
    """The plan of one organization; `version` rises with every change of what it may use."""

    organization_id: UUID
    plan: str
    version: int
