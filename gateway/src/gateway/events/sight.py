"""Who may hear of a conversation, as the inbox says: not every channel is seen by everybody."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import orjson

from contracts.names import MANAGERS
from gateway.events.facts import mark_of
from gateway.events.passing import SEEN_BY
from gateway.fetch import NotFetched

Ask = Callable[[bytes], Awaitable[bytes]]

HOLDS: Final = 15.0
"""Seconds for which an answer is believed."""

MOST: Final = 10_000


class Sight:
    """Asks the inbox, and remembers for moments. While it does not answer only those who see all are told."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._known: OrderedDict[UUID, tuple[float, frozenset[str]]] = OrderedDict()

    async def of(self, organization_id: UUID, conversation_id: UUID) -> frozenset[str]:
        """The roles and users that may hear what somebody does in it."""
        until, marks = self._known.get(conversation_id, (0.0, frozenset()))
        if until > time.monotonic():
            return marks
        body = orjson.dumps({"organization_id": str(organization_id), "conversation_id": str(conversation_id)})
        try:
            viewers = orjson.loads(await self._ask(body))["viewers"]
        except (NotFetched, ValueError, KeyError, TypeError):
            return MANAGERS
        marks = SEEN_BY if viewers is None else MANAGERS | {mark_of(each) for each in viewers}
        self._known[conversation_id] = (time.monotonic() + HOLDS, marks)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        return marks
