"""Who consumes which event; the services' own subscriptions decide, a test compares.

Partners are not named here: they receive every event whose audience is `partners`.
"""

from collections.abc import Mapping
from typing import Final

from contracts import auth, billing, compliance, inbox, publisher
from contracts.event import Event

CONSUMERS: Final[Mapping[type[Event], tuple[str, ...]]] = {
    auth.OrganizationCreated: ("billing",),
    auth.MemberAdded: ("billing", "inbox"),
    auth.MemberRoleChanged: ("inbox",),
    auth.MemberRemoved: ("billing", "inbox"),
    auth.SubscriptionGranted: ("billing",),
    auth.SubscriptionRevoked: ("billing",),
    billing.EntitlementsChanged: ("auth",),
    auth.OnboardingCompleted: ("publisher",),
    compliance.ExportRequested: ("auth", "inbox", "publisher"),
    compliance.ErasureBegun: ("auth", "inbox", "publisher"),
    auth.AuthExportPartReady: ("compliance",),
    auth.AuthErasureAnswered: ("compliance",),
    inbox.InboxExportPartReady: ("compliance",),
    inbox.InboxErasureAnswered: ("compliance",),
    publisher.PublisherExportPartReady: ("compliance",),
    publisher.PublisherErasureAnswered: ("compliance",),
    auth.AuthAuditRecorded: ("compliance",),
    billing.BillingAuditRecorded: ("compliance",),
    compliance.ComplianceAuditRecorded: ("compliance",),
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
