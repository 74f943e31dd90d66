"""The background of the publisher: what it hears, and what it does on its own besides what the ledger does."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from contracts.auth import OnboardingCompleted
from contracts.billing import EntitlementsChanged
from contracts.compliance import ErasureBegun, ExportRequested
from contracts.generation import SamplesRequested, TextsHandedOver
from kit.intake.intake import Intake
from kit.messaging.partners import PartnerBridge
from kit.messaging.subscription import Subscription
from kit.privacy.answering import on_erasure_begun, on_export_requested
from kit.process import Loop
from publisher.accounts.service import AccountWatch
from publisher.allowances.handlers import on_entitlements_changed
from publisher.connections.service import ConnectionSweeper
from publisher.first_posts.handlers import on_onboarding_completed
from publisher.handovers.handlers import on_samples_requested, on_texts_handed_over
from publisher.partner_queues.repository import TOPIC
from publisher.partner_queues.work import PartnerQueueWork
from publisher.platforms.canary import Canary
from publisher.platforms.versions import VersionWatch
from publisher.steps.repository import StepSweeper
from publisher.withdrawals.service import WithdrawalService

SUBSCRIPTIONS: Final[Sequence[Subscription[Any]]] = (
    Subscription(ExportRequested, one=on_export_requested),
    Subscription(ErasureBegun, one=on_erasure_begun),
    Subscription(OnboardingCompleted, one=on_onboarding_completed),
    Subscription(EntitlementsChanged, one=on_entitlements_changed),
    Subscription(TextsHandedOver, one=on_texts_handed_over),
    Subscription(SamplesRequested, one=on_samples_requested),
)


def loops(bridge: PartnerBridge, partner_queues: PartnerQueueWork) -> Sequence[Loop]:
    """Partner queues, in the order in which their loops are to end."""
    wakeups, settle = partner_queues.database.wakeups, partial(settle_collected, bridge, partner_queues)
    return (
        Loop("partner bridge", bridge.run),
        Loop("partner queues", partial(wakeups.work_off, TOPIC, settle, 2.0)),
    )


def publishing_loops(
    intake: Intake,
    accounts: AccountWatch,
    connections: ConnectionSweeper,
    versions: VersionWatch,
    withdrawals: WithdrawalService,
) -> Sequence[Loop]:
    """Webhooks, and what happens by the passing of time; the ledger brings its own loops."""
    return (
        *intake.loops(),
        Loop("account health", accounts.judge_due, every=5.0),
        Loop("forget connections", connections.sweep, every=600.0),
        Loop("forget steps", StepSweeper(accounts.database).sweep, every=600.0),
        withdrawals.loop(),
        Loop("api versions", versions.look, every=3600.0),
    )


def canary_loops(canary: Canary) -> Sequence[Loop]:
    """Asking the platforms once a day, which each process that works does for itself."""
    return (Loop("api canary", canary.sing, every=3600.0),)


async def settle_collected(bridge: PartnerBridge, partner_queues: PartnerQueueWork) -> bool:
    """Open or close the next queue, but none before the bridge collects: an event that nobody collects is lost."""
    return bridge.consuming and await partner_queues.settle_next()
