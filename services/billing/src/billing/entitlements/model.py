from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.catalogue.catalogue import CATALOGUE, FREE
from billing.catalogue.model import Plan
from contracts.names import PLANS


@dataclass(frozen=True, slots=True)
class PlanOf:
    """The plan of an organization; `version` rises with every change of what it may use."""

    organization_id: UUID
    plan: str
    version: int


@dataclass(frozen=True, slots=True)
class Own:
    """What an organization has by itself: a plan as a version of the catalogue has it, and seats bought beside it."""

    plan: str
    version: int
    seats: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """A plan in force, with what it allows."""

    plan: str
    limits: Mapping[str, int | None]


def highest(*names: str) -> str:
    """The highest of these plans; a name that is not known counts for nothing."""
    known = [name for name in PLANS if name in names]
    return known[-1] if known else FREE


def in_force(own: Own, granted: Collection[str], now: datetime) -> Terms:
    """What counts: the highest plan, and on top of it the seats that were bought.

    The organization's own plan is as it was when it was bought; one that is granted is as it is sold now.
    """
    plan = highest(own.plan, *granted)
    version = own.version if plan == own.plan else CATALOGUE.in_force(now).number
    return Terms(plan, _plan(plan, version, now).limits_with(own.seats))


def _plan(name: str, version: int, now: datetime) -> Plan:
    return CATALOGUE.plan(name, version) or CATALOGUE.in_force(now).plans[name]
