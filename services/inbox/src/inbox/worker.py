"""The background of the inbox: what it hears, and what it does on its own."""

from collections.abc import Sequence
from typing import Any, Final

from contracts.auth import (
    MemberAdded,
    MemberRemoved,
    MemberRoleChanged,
    TeamCreated,
    TeamDeleted,
    TeamMembersChanged,
    TeamRenamed,
)
from contracts.billing import EntitlementsChanged
from contracts.compliance import ErasureBegun, ExportRequested
from inbox.allowances.handlers import on_entitlements_changed
from inbox.allowances.model import QUOTA
from inbox.assignment.giving import Giving
from inbox.attributes.sweeping import AttributeSweeping
from inbox.broadcasts.feeding import EVERY, Feeding
from inbox.broadcasts.senders.braking import Braking
from inbox.channels.viewing.releasing import Releasing
from inbox.chat.service import ChatService
from inbox.contacts.merging.service import Merging
from inbox.conversations.counts.service import CountService
from inbox.conversations.waking import Waking
from inbox.exports.service import ExportService
from inbox.forms.service import FormService
from inbox.imports.service import ImportService
from inbox.labels.sweeping import LabelSweeping
from inbox.media.sweeping import Sweeping
from inbox.members.handlers import on_members
from inbox.search.indexing import Indexing
from inbox.teams.handlers import on_team_members_changed, on_teams
from inbox.templates.rereading import Rereading
from kit.db.database import Database
from kit.intake.intake import Intake
from kit.messaging.subscription import Subscription
from kit.privacy.answering import on_erasure_begun, on_export_requested
from kit.process import Loop

SUBSCRIPTIONS: Final[Sequence[Subscription[Any]]] = (
    Subscription(MemberAdded, many=on_members),
    Subscription(MemberRoleChanged, many=on_members),
    Subscription(MemberRemoved, many=on_members),
    Subscription(EntitlementsChanged, one=on_entitlements_changed),
    Subscription(TeamCreated, many=on_teams),
    Subscription(TeamRenamed, many=on_teams),
    Subscription(TeamDeleted, many=on_teams),
    Subscription(TeamMembersChanged, many=on_team_members_changed),
    Subscription(ExportRequested, one=on_export_requested),
    Subscription(ErasureBegun, one=on_erasure_begun),
)


def loops(
    intake: Intake,
    *,
    database: Database,
    sweeping: Sweeping,
    waking: Waking,
    counts: CountService,
    giving: Giving,
    releasing: Releasing,
    rereading: Rereading,
    labels: LabelSweeping,
    attributes: AttributeSweeping,
    forms: FormService,
    chats: ChatService,
    merging: Merging,
    indexing: Indexing,
    imports: ImportService,
    exports: ExportService,
    feeding: Feeding,
    braking: Braking,
) -> Sequence[Loop]:
    """Webhooks become rows; what is to be done outside has loops of its own (`Service.ledger`)."""
    return (
        *intake.loops(),
        *merging.loops(),
        *QUOTA.loops(database),
        Loop("inbox.conversations.wake", waking.run, every=1.0),
        Loop("inbox.conversations.count", counts.fold, every=2.0),
        Loop("inbox.assignment", giving.run, every=1.0),
        Loop("inbox.channels.release", releasing.run, every=1.0),
        Loop("inbox.templates.read", rereading.run, every=5.0),
        Loop("inbox.media.sweep", sweeping.run, every=3600.0),
        Loop("inbox.visitors.purge", chats.purge, every=3600.0),
        Loop("inbox.held.purge", forms.purge, every=3600.0),
        Loop("inbox.labels.sweep", labels.run, every=60.0),
        Loop("inbox.attributes.sweep", attributes.run, every=60.0),
        Loop("inbox.imports.sweep", imports.sweep, every=600.0),
        Loop("inbox.imports.unnamed", imports.sweep_unnamed, every=3600.0),
        Loop("inbox.exports.sweep", exports.sweep, every=600.0),
        Loop("inbox.search.index", indexing.run, every=0.5),
        Loop("inbox.broadcasts.feed", feeding.run, every=EVERY),
        Loop("inbox.broadcasts.count", feeding.fold, every=2.0),
        Loop("inbox.senders.ease", braking.ease, every=2.0),
        Loop("inbox.senders.free", braking.free, every=5.0),
    )
