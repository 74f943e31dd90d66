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

CREATOR: Final = Plan(
    name="creator",
    limits=MappingProxyType(
        {
            "seats": 3,
            "connected_accounts": 10,
            "posts_per_month": 300,
            "generations_per_month": 200,
            "messages_per_month": 5_000,
            "storage_mb": 10_000,
        }
    ),
)

PRO: Final = Plan(
    name="pro",
    limits=MappingProxyType(
        {
            "seats": 10,
            "connected_accounts": 30,
            "posts_per_month": 3_000,
            "generations_per_month": 1_000,
            "messages_per_month": 50_000,
            "storage_mb": 100_000,
        }
    ),
)

AGENCY: Final = Plan(
    name="agency",
    limits=MappingProxyType(
        {
            "seats": 100,
            "connected_accounts": 300,
            "posts_per_month": None,
            "generations_per_month": 10_000,
            "messages_per_month": None,
            "storage_mb": 1_000_000,
        }
    ),
)

PLANS: Final[Mapping[str, Plan]] = MappingProxyType({plan.name: plan for plan in (FREE, CREATOR, PRO, AGENCY)})
"""The lowest first."""


def highest(*names: str) -> Plan:
    """The highest of these plans; a name that is not known counts for nothing."""
    known = [name for name in PLANS if name in names]
    return PLANS[known[-1]] if known else FREE
