import base64
import binascii

from contracts.publisher import SamplesHandedOver
from generation.voices.model import SampleState
from generation.voices.repository import SampleRepository
from kit.db.database import Transaction


async def on_samples_handed_over(event: SamplesHandedOver, tx: Transaction) -> None:
    """Keep published texts to be learned from, as they were sealed; the first that come count."""
    try:
        sealed = base64.b64decode(event.texts, validate=True)
    except binascii.Error:
        sealed = b""
    state, reason = (SampleState.READY, "") if sealed and event.posts else (SampleState.FAILED, "nothing_published")
    await SampleRepository(tx).end(event.sample_id, state, reason, sealed if state is SampleState.READY else None)
