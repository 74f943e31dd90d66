import base64
import binascii

from contracts.generation import SamplesRequested, TextsHandedOver
from kit.db.database import Transaction
from kit.errors import Invalid
from publisher.handovers.model import Handover
from publisher.handovers.repository import HandoverRepository


class TextsNotReadable(Invalid):
    """What was handed over is not base64."""

    code = "texts-not-readable"


async def on_texts_handed_over(event: TextsHandedOver, tx: Transaction) -> None:
    """These texts are to become a draft."""
    try:
        sealed = base64.b64decode(event.texts, validate=True)
    except binascii.Error as error:
        raise TextsNotReadable from error
    handover = Handover(
        event.post_id, event.organization, "draft", event.user_id, event.account_ids, sealed, at_most=0
    )
    await HandoverRepository(tx).add(handover)


async def on_samples_requested(event: SamplesRequested, tx: Transaction) -> None:
    """The latest published texts are to be handed over."""
    handover = Handover(event.sample_id, event.organization, "samples", None, (), None, event.at_most)
    await HandoverRepository(tx).add(handover)
