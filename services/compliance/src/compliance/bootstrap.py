"""Builds compliance's own parts; the only wiring."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from compliance import migrations, worker
from compliance.api import ROUTERS
from compliance.audit.keys import LogKeys
from compliance.audit.sequencing import Sequencer
from compliance.audit.service import AuditService
from compliance.settings import ComplianceSettings
from compliance.worker import SUBSCRIPTIONS
from contracts.consumers import CONSUMERS
from kit.db.database import Database
from kit.process import Loop
from kit.seal import Keyring
from kit.service import Backbone, Service


@dataclass(frozen=True, slots=True)
class Parts:
    """What compliance is made of."""

    audit: AuditService
    log_keys: LogKeys
    sequencer: Sequencer


def build(database: Database, keyring: Keyring, settings: ComplianceSettings) -> Parts:
    """The parts, on a database."""
    keys = LogKeys(database, keyring, settings.audit_origin)
    return Parts(audit=AuditService(database, keys), log_keys=keys, sequencer=Sequencer(database, keys))


@asynccontextmanager
async def open_parts(backbone: Backbone[ComplianceSettings]) -> AsyncIterator[Parts]:
    """Build the parts, and see to it that the log can be signed; none of them needs closing."""
    parts = build(backbone.database, backbone.keyring, backbone.settings)
    await parts.log_keys.ensure()
    yield parts


def endpoint_parts(parts: Parts) -> Sequence[object]:
    """What endpoints ask for."""
    return (parts.audit,)


def loops(parts: Parts) -> Sequence[Loop]:
    """What the worker does besides consuming and relaying."""
    return worker.loops(parts.sequencer)


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
