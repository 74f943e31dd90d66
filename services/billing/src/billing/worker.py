"""The background of billing: what it hears and what it does with it."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from billing.claims.handlers import on_subscription_claim_withdrawn, on_subscription_claimed
from billing.grants.handlers import on_subscription_granted, on_subscription_revoked
from billing.notifications.returning import Returning
from billing.organizations.handlers import on_organization_created
from billing.reconciliation.comparing import Reconciling
from billing.reconciliation.service import ReconciliationService
from billing.seats.handlers import on_members_added, on_members_removed
from billing.sponsorships.handlers import on_delegation_granted, on_delegation_revoked
from billing.subscriptions.ending import SubscriptionEnding
from contracts.auth import (
    DelegationGranted,
    DelegationRevoked,
    MemberAdded,
    MemberRemoved,
    OrganizationCreated,
    SubscriptionClaimed,
    SubscriptionClaimWithdrawn,
    SubscriptionGranted,
    SubscriptionRevoked,
)
from contracts.compliance import ErasureBegun, ExportRequested
from kit.intake.intake import Intake
from kit.messaging.subscription import Subscription
from kit.privacy.answering import on_erasure_begun, on_export_requested
from kit.process import Loop
from kit.telemetry import metrics

SUBSCRIPTIONS: Final[Sequence[Subscription[Any]]] = (
    Subscription(OrganizationCreated, one=on_organization_created),
    Subscription(MemberAdded, many=on_members_added),
    Subscription(MemberRemoved, many=on_members_removed),
    Subscription(SubscriptionGranted, one=on_subscription_granted),
    Subscription(SubscriptionRevoked, one=on_subscription_revoked),
    Subscription(DelegationGranted, one=on_delegation_granted),
    Subscription(DelegationRevoked, one=on_delegation_revoked),
    Subscription(SubscriptionClaimed, one=on_subscription_claimed),
    Subscription(SubscriptionClaimWithdrawn, one=on_subscription_claim_withdrawn),
    Subscription(ExportRequested, one=on_export_requested),
    Subscription(ErasureBegun, one=on_erasure_begun),
)


def subscription_loops(
    ending: SubscriptionEnding,
    returning: Returning,
    reconciling: Reconciling,
    reconciliations: ReconciliationService,
) -> Sequence[Loop]:
    """What happens to subscriptions by the passing of time, and the nightly comparison."""
    return (
        Loop("grace ends", ending.end_grace, every=30),
        Loop("trials end soon", ending.tell_ending_trials, every=60),
        Loop("unknown customers return", returning.replay_known, every=30),
        Loop("reconciliation", reconciling.step, every=60),
        Loop("drift", partial(metrics.sample, reconciliations.sampled()), every=60),
    )


def selling_loops(intake: Intake) -> Sequence[Loop]:
    """Webhooks, and what happens by the passing of time; the ledger brings its own loops."""
    return intake.loops()
