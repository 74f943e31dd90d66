"""Builds compliance's own parts; the only wiring."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from compliance import migrations
from compliance.api import ROUTERS
from compliance.settings import ComplianceSettings
from compliance.worker import SUBSCRIPTIONS
from contracts.consumers import CONSUMERS
from kit.process import Loop
from kit.service import Backbone, Service


@dataclass(frozen=True, slots=True)
class Parts:
    """What compliance is made of."""


@asynccontextmanager
async def open_parts(_backbone: Backbone[ComplianceSettings]) -> AsyncIterator[Parts]:
    """Build the parts; none of them needs closing."""
    yield Parts()


def endpoint_parts(_parts: Parts) -> Sequence[object]:
    """What endpoints ask for."""
    return ()


def loops(_parts: Parts) -> Sequence[Loop]:
    """What the worker does besides consuming and relaying."""
    return ()


SERVICE: Final = Service(
    name="compliance",
    title="Compliance",
    settings=ComplianceSettings,
    migrations=migrations,
    open_parts=open_parts,
    routers=ROUTERS,
    endpoint_parts=endpoint_parts,
    loops=loops,
    subscriptions=SUBSCRIPTIONS,
    consumers=CONSUMERS,
)
