"""What auth does in the background."""

from collections.abc import Sequence
from typing import Any, Final

from auth.delegations.service import DelegationService
from auth.eligibility.handlers import on_entitlements_changed
from auth.exports.service import StaffExportService
from auth.factor_recoveries.service import FactorRecoveryService
from auth.keys.service import KeyRotation
from auth.statistics.handlers import on_failed_refunds, on_generations, on_payments, on_refunds
from auth.statistics.service import StatisticsService
from auth.sweeping import Sweeper
from contracts.billing import EntitlementsChanged
from contracts.compliance import ErasureBegun, ExportRequested
from contracts.generation import GenerationFinished
from contracts.money import PaymentSucceeded, RefundFailed, RefundIssued
from kit.mail import Mailer
from kit.messaging.subscription import Subscription
from kit.privacy.answering import on_erasure_begun, on_export_requested
from kit.process import Loop

SUBSCRIPTIONS: Final[Sequence[Subscription[Any]]] = (
    Subscription(ExportRequested, one=on_export_requested),
    Subscription(ErasureBegun, one=on_erasure_begun),
    Subscription(EntitlementsChanged, one=on_entitlements_changed),
    Subscription(PaymentSucceeded, many=on_payments),
    Subscription(RefundIssued, many=on_refunds),
    Subscription(RefundFailed, many=on_failed_refunds),
    Subscription(GenerationFinished, many=on_generations),
)


def loops(
    mailer: Mailer,
    rotation: KeyRotation,
    sweeper: Sweeper,
    *,
    exports: StaffExportService,
    delegations: DelegationService,
    statistics: StatisticsService,
    recoveries: FactorRecoveryService,
) -> Sequence[Loop]:
    """Mails are sent by the ledger, whose loops come by themselves."""
    return (
        *mailer.loops(),
        Loop("keys", rotation.rotate_when_due, every=60),
        Loop("sweeper", sweeper.sweep, every=300),
        Loop("delegations", delegations.end_due, every=2),
        Loop("factor recoveries", recoveries.finish_due, every=60),
        Loop("lists of staff expire", exports.expire, every=300),
        Loop("statistics", statistics.count, every=900),
    )
