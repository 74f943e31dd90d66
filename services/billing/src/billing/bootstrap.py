"""Builds billing's own parts; the only wiring."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from billing import migrations
from billing.api import ROUTERS
from billing.entitlements.service import EntitlementService
from billing.grants.ending import GrantEnding
from billing.organizations.service import OrganizationService
from billing.settings import BillingSettings
from billing.worker import SUBSCRIPTIONS
from contracts.consumers import CONSUMERS
from kit.http.acting import Acting
from kit.process import Loop
from kit.service import Backbone, Service


@dataclass(frozen=True, slots=True)
class Parts:
    """What billing is made of."""

    organizations: OrganizationService
    entitlements: EntitlementService
    ending: GrantEnding


@asynccontextmanager
async def open_parts(backbone: Backbone[BillingSettings]) -> AsyncIterator[Parts]:
    """Build the parts; none of them needs closing."""
    yield Parts(
        organizations=OrganizationService(backbone.database),
        entitlements=EntitlementService(backbone.database),
        ending=GrantEnding(backbone.database),
    )


def endpoint_parts(parts: Parts) -> Sequence[object]:
    """What endpoints ask for."""
    return (parts.organizations, parts.entitlements)


def loops(parts: Parts) -> Sequence[Loop]:
    """What a worker does beside consuming and relaying."""
    return (Loop("grants end", parts.ending.end_due, every=30),)


SERVICE: Final = Service(
    name="billing",
    title="Billing",
    settings=BillingSettings,
    migrations=migrations,
    open_parts=open_parts,
    routers=ROUTERS,
    endpoint_parts=endpoint_parts,
    loops=loops,
    subscriptions=SUBSCRIPTIONS,
    consumers=CONSUMERS,
    acting=Acting("billing.request.impersonated", changes=False),
)
