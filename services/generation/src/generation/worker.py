"""The background of generation: what it hears, and what it does on its own."""

from collections.abc import Sequence
from typing import Any, Final

from contracts.billing import EntitlementsChanged
from contracts.compliance import ErasureBegun, ExportRequested
from contracts.publisher import SamplesHandedOver
from generation.allowances.handlers import on_entitlements_changed
from generation.allowances.model import QUOTA
from generation.assistant.answering import Answering
from generation.batches.following import Following
from generation.calls.accounting import Accounting
from generation.generations.running import Running
from generation.voices.handlers import on_samples_handed_over
from generation.voices.learning import Learning
from kit.messaging.subscription import Subscription
from kit.privacy.answering import on_erasure_begun, on_export_requested
from kit.process import Loop

SUBSCRIPTIONS: Final[Sequence[Subscription[Any]]] = (
    Subscription(ExportRequested, one=on_export_requested),
    Subscription(ErasureBegun, one=on_erasure_begun),
    Subscription(EntitlementsChanged, one=on_entitlements_changed),
    Subscription(SamplesHandedOver, one=on_samples_handed_over),
)


def loops(
    accounting: Accounting, running: Running, following: Following, learning: Learning, answering: Answering
) -> Sequence[Loop]:
    """What happens by the passing of time."""
    return (
        *accounting.loops(),
        following.loop(),
        learning.loop(),
        Loop("generations end", running.sweep, every=5.0),
        Loop("answers end", answering.sweep, every=5.0),
        *QUOTA.loops(accounting.database),
    )
