from collections.abc import Sequence
from typing import Final

from compliance.audit.repository import PendingRepository
from compliance.audit.sequencing import TOPIC
from contracts.audit import AuditEntry
from contracts.auth import AuthAuditRecorded
from contracts.billing import BillingAuditRecorded
from contracts.compliance import ComplianceAuditRecorded
from contracts.generation import GenerationAuditRecorded
from contracts.inbox import InboxAuditRecorded
from contracts.publisher import PublisherAuditRecorded
from kit.db.database import Transaction

RECORDED: Final[tuple[type[AuditEntry], ...]] = (
    AuthAuditRecorded,
    BillingAuditRecorded,
    ComplianceAuditRecorded,
    GenerationAuditRecorded,
    InboxAuditRecorded,
    PublisherAuditRecorded,
)
"""The lines of every service."""


async def on_recorded(events: Sequence[AuditEntry], tx: Transaction) -> None:
    """Take lines in; they are given their places in the log together, within a second."""
    await PendingRepository(tx).add(events)
    tx.stir(TOPIC)
