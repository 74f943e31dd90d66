"""Builds compliance's own parts; the only wiring."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from compliance import migrations
from compliance.api import ROUTERS
from compliance.keys.service import KeyService
from compliance.settings import ComplianceSettings
from compliance.worker import SUBSCRIPTIONS
from contracts.consumers import CONSUMERS
from kit.http.peer import Peers
from kit.process import Loop
from kit.seal import Keyring
from kit.service import Backbone, Service


@dataclass(frozen=True, slots=True)
class Parts:
    """What compliance is made of."""

    peers: Peers
    keys: KeyService


def build(keyring: Keyring, settings: ComplianceSettings) -> Parts:
    """The parts."""
    peers = Peers(settings.clients())
    return Parts(peers, KeyService(keyring.own, peers))


@asynccontextmanager
async def open_parts(backbone: Backbone[ComplianceSettings]) -> AsyncIterator[Parts]:
    """Build the parts; none of them needs closing."""
    yield build(backbone.keyring, backbone.settings)


def endpoint_parts(parts: Parts) -> Sequence[object]:
    """What endpoints ask for."""
    return (parts.peers, parts.keys)


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
