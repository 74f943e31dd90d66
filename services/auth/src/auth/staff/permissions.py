"""What members of the platform's staff may do: the whole matrix, as data. Tokens of staff carry their row of it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class StaffRole(StrEnum):
    """What somebody is among the staff."""

    SUPPORT = "support"
    OPERATOR = "operator"
    ADMIN = "admin"


PERMISSIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "users.read": "Search users and read about them, with masked addresses.",
        "users.addresses": "Open a full address; each time is put on record.",
        "users.end_sessions": "End sessions of a user.",
        "users.reset": "Start a password reset for a user; nobody ever chooses the password for somebody else.",
        "users.suspend": "Suspend a user, and restore one.",
        "users.recover_factors": "Begin to remove a user's lost second factors, three days ahead; see and stop it.",
        "organizations.read": "Search organizations and read about them.",
        "organizations.suspend": "Suspend an organization, and restore one.",
        "impersonations.begin": "Act in a user's place, for a stated reason and a limited time.",
        "subscriptions.grant": "Grant an organization a plan until a date, and revoke it.",
        "coupons.manage": "Make discounts and their codes, see how they are redeemed, and end them.",
        "billing.reconcile": "Compare everything with the payment provider, and read what differed.",
        "billing.read": "Read about an organization's credits, payments, refunds and disputes.",
        "credits.manage": "Grant credits, give back what was spent, and end lots.",
        "refunds.issue": "Refund payments and issue credit notes.",
        "disputes.manage": "Say what becomes of a plan whose payment was disputed and lost.",
        "statistics.read": "Read the numbers of the platform.",
        "jobs.read": "See jobs and their progress.",
        "jobs.run": "Run bulk operations.",
        "announcements.send": "Send announcements to users.",
        "exports.run": "Export lists of users and organizations.",
        "flags.change": "Change feature flags.",
        "maintenance.switch": "Turn maintenance mode on and off.",
        "settings.change": "Change settings of the system.",
        "staff.read": "See who is of the staff, and their sessions.",
        "staff.manage": "Add and remove staff, change roles, end sessions of staff.",
    }
)
"""Every permission of staff with what it allows."""

_SUPPORT: Final = frozenset(
    {
        "users.read",
        "users.addresses",
        "users.end_sessions",
        "users.reset",
        "organizations.read",
        "impersonations.begin",
        "billing.read",
        "statistics.read",
        "jobs.read",
    }
)
_OPERATOR: Final = _SUPPORT | {
    "users.suspend",
    "users.recover_factors",
    "organizations.suspend",
    "subscriptions.grant",
    "coupons.manage",
    "billing.reconcile",
    "credits.manage",
    "refunds.issue",
    "disputes.manage",
    "jobs.run",
    "announcements.send",
    "exports.run",
    "flags.change",
    "maintenance.switch",
    "staff.read",
}

MATRIX: Final[Mapping[StaffRole, frozenset[str]]] = MappingProxyType(
    {
        StaffRole.SUPPORT: _SUPPORT,
        StaffRole.OPERATOR: _OPERATOR,
        StaffRole.ADMIN: frozenset(PERMISSIONS),
    }
)
