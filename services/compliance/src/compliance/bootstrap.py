"""Builds compliance's own parts; the only wiring."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from compliance import migrations, worker
from compliance.api import ROUTERS
from compliance.audit.keys import LogKeys
from compliance.audit.sequencing import Sequencer
from compliance.audit.service import AuditService
from compliance.erasures.service import ErasureService
from compliance.erasures.working import Working
from compliance.exports.assembling import Assembling
from compliance.exports.service import ExportService
from compliance.keys.service import KeyService
from compliance.retention.service import RetentionService
from compliance.settings import ComplianceSettings
from contracts.compliance import ErasureBegun, ExportRequested
from contracts.consumers import CONSUMERS
from kit.db.database import Database
from kit.http.acting import Acting
from kit.http.peer import Peers
from kit.process import Loop
from kit.seal import Keyring, Sealer
from kit.service import Backbone, Service


@dataclass(frozen=True, slots=True)
class Parts:
    """What compliance is made of."""

    peers: Peers
    keys: KeyService
    audit: AuditService
    log_keys: LogKeys
    sequencer: Sequencer
    exports: ExportService
    assembling: Assembling
    erasures: ErasureService
    working: Working
    retention: RetentionService


def build(
    database: Database, keyring: Keyring, audit_origin: str, grace: timedelta, clients: Mapping[str, Sealer]
) -> Parts:
    """The parts from what they stand on; whoever hears of a request is asked and waited for."""
    peers, log_keys = Peers(clients), LogKeys(database, keyring, audit_origin)
    return Parts(
        peers=peers,
        keys=KeyService(keyring.own, peers),
        audit=AuditService(database, log_keys),
        log_keys=log_keys,
        sequencer=Sequencer(database, log_keys),
        exports=ExportService(database, keyring, CONSUMERS[ExportRequested]),
        assembling=Assembling(database, keyring),
        erasures=ErasureService(database, grace),
        working=Working(database, keyring, CONSUMERS[ErasureBegun]),
        retention=RetentionService(database),
    )


@asynccontextmanager
async def open_parts(backbone: Backbone[ComplianceSettings]) -> AsyncIterator[Parts]:
    """Build the parts, and see to it that the log can be signed; none of them needs closing."""
    settings = backbone.settings
    grace = timedelta(days=settings.erasure_grace_days)
    parts = build(backbone.database, backbone.keyring, settings.audit_origin, grace, settings.clients())
    await parts.log_keys.ensure()
    yield parts


def endpoint_parts(parts: Parts) -> Sequence[object]:
    """What endpoints ask for."""
    return (parts.peers, parts.keys, parts.audit, parts.exports, parts.erasures, parts.retention)


def loops(parts: Parts) -> Sequence[Loop]:
    """What the worker does besides consuming and relaying."""
    return worker.loops(parts.sequencer, parts.assembling, parts.working)


async def rotate_audit_key(parts: Parts) -> None:
    """Sign the audit trail with a new key; publish it before others wonder."""
    await parts.log_keys.rotate()


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
    commands={"rotate-audit-key": rotate_audit_key},
    acting=Acting("compliance.request.impersonated", changes=False),
)
