"""The background of the inbox: what it hears, and what it does on its own."""

from collections.abc import Sequence
from typing import Any, Final

from contracts.auth import MemberAdded, MemberRemoved, MemberRoleChanged
from contracts.compliance import ErasureBegun, ExportRequested
from inbox.media.sweeping import Sweeping
from inbox.members.handlers import on_members
from kit.intake.intake import Intake
from kit.messaging.subscription import Subscription
from kit.privacy.answering import on_erasure_begun, on_export_requested
from kit.process import Loop

SUBSCRIPTIONS: Final[Sequence[Subscription[Any]]] = (
    Subscription(MemberAdded, many=on_members),
    Subscription(MemberRoleChanged, many=on_members),
    Subscription(MemberRemoved, many=on_members),
    Subscription(ExportRequested, one=on_export_requested),
    Subscription(ErasureBegun, one=on_erasure_begun),
)


def loops(intake: Intake, sweeping: Sweeping) -> Sequence[Loop]:
    """Webhooks become rows; what is to be done outside has loops of its own (`Service.ledger`)."""
    return (*intake.loops(), Loop("inbox.media.sweep", sweeping.run, every=3600.0))
