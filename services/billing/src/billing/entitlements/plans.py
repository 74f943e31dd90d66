"""The catalogue: every plan and what it grants. The one place where a limit is a number."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Plan:
    """What an organization on this plan may use; None is no limit, a meter that is absent is not included."""

    name: str
    limits: Mapping[str, int | None]


FREE: Final = Plan(
    name="free",
    limits=MappingProxyType(
        {
            "seats": 3,
            "connected_accounts": 3,
            "posts_per_month": 30,
            "generations_per_month": 20,
            "messages_per_month": 500,
            "storage_mb": 500,
        }
    ),
)

PLANS: Final[Mapping[str, Plan]] = MappingProxyType({plan.name: plan for plan in (FREE,)})
