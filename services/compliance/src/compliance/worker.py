"""The background of compliance: what it hears, and what it does on its own."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from compliance.erasures.handlers import on_erasure_answered
from compliance.erasures.service import DUE
from compliance.erasures.working import Working
from compliance.exports.assembling import Assembling
from compliance.exports.handlers import ASSEMBLE, on_export_part_ready
from contracts.auth import AuthErasureAnswered, AuthExportPartReady
from contracts.inbox import InboxErasureAnswered, InboxExportPartReady
from contracts.publisher import PublisherErasureAnswered, PublisherExportPartReady
from kit.db.database import Database
from kit.messaging.subscription import Subscription
from kit.process import Loop

SUBSCRIPTIONS: Final[Sequence[Subscription[Any]]] = (
    Subscription(AuthExportPartReady, one=on_export_part_ready),
    Subscription(InboxExportPartReady, one=on_export_part_ready),
    Subscription(PublisherExportPartReady, one=on_export_part_ready),
    Subscription(AuthErasureAnswered, one=on_erasure_answered),
    Subscription(InboxErasureAnswered, one=on_erasure_answered),
    Subscription(PublisherErasureAnswered, one=on_erasure_answered),
)


def loops(database: Database, assembling: Assembling, working: Working) -> Sequence[Loop]:
    """Requests are carried on when they are due, or an answer has come."""
    return (
        Loop("exports assemble", partial(database.wakeups.work_off, ASSEMBLE, assembling.work)),
        Loop("exports expire", assembling.expire, every=60.0),
        Loop("erasures", partial(database.wakeups.work_off, DUE, working.work, 1.0)),
    )
