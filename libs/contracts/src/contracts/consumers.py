"""Who consumes which event; the services' own subscriptions decide, a test compares.

Partners are not named here: they receive every event whose audience is `partners`.
"""

from collections.abc import Mapping
from typing import Final

from contracts import auth, billing, compliance, generation, inbox, money, publisher
from contracts.event import Event

CONSUMERS: Final[Mapping[type[Event], tuple[str, ...]]] = {
    auth.OrganizationCreated: ("billing",),
    auth.MemberAdded: ("billing", "inbox"),
    auth.MemberRoleChanged: ("inbox",),
    auth.MemberRemoved: ("billing", "inbox"),
    auth.TeamCreated: ("inbox",),
    auth.TeamRenamed: ("inbox",),
    auth.TeamMembersChanged: ("inbox",),
    auth.TeamDeleted: ("inbox",),
    auth.SubscriptionGranted: ("billing",),
    auth.SubscriptionRevoked: ("billing",),
    auth.DelegationGranted: ("billing",),
    auth.SubscriptionClaimed: ("billing",),
    auth.SubscriptionClaimWithdrawn: ("billing",),
    auth.DelegationRevoked: ("billing",),
    billing.EntitlementsChanged: ("auth", "generation", "inbox", "publisher"),
    money.PaymentSucceeded: ("auth",),
    money.RefundIssued: ("auth",),
    money.RefundFailed: ("auth",),
    generation.GenerationFinished: ("auth",),
    generation.SamplesRequested: ("publisher",),
    generation.TextsHandedOver: ("publisher",),
    publisher.SamplesHandedOver: ("generation",),
    auth.OnboardingCompleted: ("publisher",),
    compliance.ExportRequested: ("auth", "billing", "generation", "inbox", "publisher"),
    compliance.ErasureBegun: ("auth", "billing", "generation", "inbox", "publisher"),
    auth.AuthExportPartReady: ("compliance",),
    auth.AuthErasureAnswered: ("compliance",),
    billing.BillingExportPartReady: ("compliance",),
    billing.BillingErasureAnswered: ("compliance",),
    generation.GenerationExportPartReady: ("compliance",),
    generation.GenerationErasureAnswered: ("compliance",),
    inbox.InboxExportPartReady: ("compliance",),
    inbox.InboxErasureAnswered: ("compliance",),
    publisher.PublisherExportPartReady: ("compliance",),
    publisher.PublisherErasureAnswered: ("compliance",),
    auth.AuthAuditRecorded: ("compliance",),
    billing.BillingAuditRecorded: ("compliance",),
    compliance.ComplianceAuditRecorded: ("compliance",),
    generation.GenerationAuditRecorded: ("compliance",),
    inbox.InboxAuditRecorded: ("compliance",),
    publisher.PublisherAuditRecorded: ("compliance",),
}
"""Services with a durable queue of their own; it must exist before the first such event."""

LISTENERS: Final[Mapping[type[Event], tuple[str, ...]]] = {
    auth.SessionsRevoked: ("gateway",),
    auth.SigningKeyRemoved: ("gateway",),
    auth.SystemSettingChanged: ("gateway",),
    billing.EntitlementsChanged: ("gateway",),
}
"""Programs of which every process has a passing queue; what it missed it reads elsewhere."""
