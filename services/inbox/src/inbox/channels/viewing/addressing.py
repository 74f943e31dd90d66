"""What happens on a channel that not everyone sees is told to the browsers of those who do."""

from collections.abc import Sequence
from uuid import UUID

from contracts.event import Event
from contracts.inbox import OnChannel
from inbox.channels.viewing.repository import viewers_of
from kit.db.database import Transaction


async def addressed(tx: Transaction, facts: Sequence[Event]) -> Sequence[Event]:
    """The facts with whom they are for, as it stands in their own transaction; one question for all of them."""
    about = {fact.id: _about(fact) for fact in facts if isinstance(fact, OnChannel)}
    organizations = {fact.organization_id for fact in facts if fact.organization_id is not None}
    if not about:
        return facts
    viewers = await viewers_of(tx, organizations, set(about.values()))
    return [
        fact.model_copy(update={"seen_by": sorted(viewers[about[fact.id]])})
        if about.get(fact.id) in viewers
        else fact
        for fact in facts
    ]


def _about(fact: OnChannel) -> UUID:
    """Its channel where it names one, else its conversation."""
    told: UUID = getattr(fact, "channel_id", None) or getattr(fact, "conversation_id")  # noqa: B009 - one of two
    return told
