"""The background of compliance: what it hears, and what it does on its own."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from compliance.audit.handlers import RECORDED, on_recorded
from compliance.audit.sequencing import Sequencer
from compliance.erasures.handlers import on_erasure_answered
from compliance.erasures.service import DUE
from compliance.erasures.working import Working
from compliance.exports.assembling import Assembling
from compliance.exports.handlers import ASSEMBLE, on_export_part_ready
from contracts.auth import AuthErasureAnswered, AuthExportPartReady
from contracts.billing import BillingErasureAnswered, BillingExportPartReady
from contracts.generation import GenerationErasureAnswered, GenerationExportPartReady
from contracts.inbox import InboxErasureAnswered, InboxExportPartReady
from contracts.publisher import PublisherErasureAnswered, PublisherExportPartReady
from kit.messaging.subscription import Subscription
from kit.process import Loop

SUBSCRIPTIONS: Final[Sequence[Subscription[Any]]] = (
    *(Subscription(event, many=on_recorded, batch=500) for event in RECORDED),
    Subscription(AuthExportPartReady, one=on_export_part_ready),
    Subscription(GenerationExportPartReady, one=on_export_part_ready),
    Subscription(InboxExportPartReady, one=on_export_part_ready),
    Subscription(PublisherExportPartReady, one=on_export_part_ready),
    Subscription(BillingExportPartReady, one=on_export_part_ready),
    Subscription(AuthErasureAnswered, one=on_erasure_answered),
    Subscription(GenerationErasureAnswered, one=on_erasure_answered),
    Subscription(InboxErasureAnswered, one=on_erasure_answered),
    Subscription(PublisherErasureAnswered, one=on_erasure_answered),
    Subscription(BillingErasureAnswered, one=on_erasure_answered),
)


def loops(sequencer: Sequencer, assembling: Assembling, working: Working) -> Sequence[Loop]:
    """The log is written by one worker at a time; requests are carried on when due, or an answer has come."""
    wakeups = working.database.wakeups
    return (
        Loop("audit sequencer", sequencer.run),
        Loop("exports assemble", partial(wakeups.work_off, ASSEMBLE, assembling.work)),
        Loop("exports expire", assembling.expire, every=60.0),
        Loop("erasures", partial(wakeups.work_off, DUE, working.work, 1.0)),
    )
