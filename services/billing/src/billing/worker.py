"""The background of billing: what it hears and what it does with it."""

from collections.abc import Sequence
from typing import Any, Final

from billing.grants.handlers import on_subscription_granted, on_subscription_revoked
from billing.organizations.handlers import on_organization_created
from billing.seats.handlers import on_members_added, on_members_removed
from contracts.auth import MemberAdded, MemberRemoved, OrganizationCreated, SubscriptionGranted, SubscriptionRevoked
from kit.messaging.subscription import Subscription

SUBSCRIPTIONS: Final[Sequence[Subscription[Any]]] = (
    Subscription(OrganizationCreated, one=on_organization_created),
    Subscription(MemberAdded, many=on_members_added),
    Subscription(MemberRemoved, many=on_members_removed),
    Subscription(SubscriptionGranted, one=on_subscription_granted),
    Subscription(SubscriptionRevoked, one=on_subscription_revoked),
)
