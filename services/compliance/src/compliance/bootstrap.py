"""Builds compliance's own parts; the only wiring."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from compliance import migrations, worker
from compliance.api import ROUTERS
from compliance.erasures.service import ErasureService
from compliance.erasures.working import Working
from compliance.exports.assembling import Assembling
from compliance.exports.service import ExportService
from compliance.settings import ComplianceSettings
from contracts.compliance import ErasureBegun, ExportRequested
from contracts.consumers import CONSUMERS
from kit.db.database import Database
from kit.process import Loop
from kit.seal import Keyring
from kit.service import Backbone, Service


@dataclass(frozen=True, slots=True)
class Parts:
    """What compliance is made of."""

    database: Database
    exports: ExportService
    assembling: Assembling
    erasures: ErasureService
    working: Working


def build(database: Database, keyring: Keyring, grace: timedelta) -> Parts:
    """The parts from what they stand on; whoever hears of a request is asked and waited for."""
    return Parts(
        database=database,
        exports=ExportService(database, keyring, CONSUMERS[ExportRequested]),
        assembling=Assembling(database, keyring),
        erasures=ErasureService(database, grace),
        working=Working(database, keyring, CONSUMERS[ErasureBegun]),
    )


@asynccontextmanager
async def open_parts(backbone: Backbone[ComplianceSettings]) -> AsyncIterator[Parts]:
    """Build the parts; none of them needs closing."""
    yield build(backbone.database, backbone.keyring, timedelta(days=backbone.settings.erasure_grace_days))


def endpoint_parts(parts: Parts) -> Sequence[object]:
    """What endpoints ask for."""
    return (parts.exports, parts.erasures)


def loops(parts: Parts) -> Sequence[Loop]:
    """What the worker does besides consuming and relaying."""
    return worker.loops(parts.database, parts.assembling, parts.working)


SERVICE: Final = Service(
    name="compliance",
    title="Compliance",
    settings=ComplianceSettings,
    migrations=migrations,
    open_parts=open_parts,
    routers=ROUTERS,
    endpoint_parts=endpoint_parts,
    loops=loops,
    subscriptions=worker.SUBSCRIPTIONS,
    consumers=CONSUMERS,
)
