"""The background of compliance: what it hears, and what it does on its own."""

from collections.abc import Sequence
from typing import Any, Final

from compliance.audit.handlers import RECORDED, on_recorded
from compliance.audit.sequencing import Sequencer
from kit.messaging.subscription import Subscription
from kit.process import Loop

SUBSCRIPTIONS: Final[Sequence[Subscription[Any]]] = (
    *(Subscription(event, many=on_recorded, batch=500) for event in RECORDED),
)


def loops(sequencer: Sequencer) -> Sequence[Loop]:
    """The log is written by one worker at a time."""
    return (Loop("audit sequencer", sequencer.run),)
