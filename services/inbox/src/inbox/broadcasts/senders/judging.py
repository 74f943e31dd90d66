"""What the platform tells of a number by webhook: how good it is, and how many people it may write to in a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from inbox.broadcasts.senders.braking import Braking
from inbox.broadcasts.senders.repository import SenderRepository
from inbox.whatsapp.payload import text
from kit.db.database import Transaction
from kit.intake.model import Applied, Quarantined, Received, Verdict

QUALITIES: Final[Mapping[str, str]] = {"FLAGGED": "RED", "UNFLAGGED": "GREEN"}
"""What an event says of the quality; a number that is flagged has a low one."""

LIMITS: Final[Mapping[str, int]] = {
    "TIER_50": 50,
    "TIER_250": 250,
    "TIER_1K": 1000,
    "TIER_2K": 2000,
    "TIER_10K": 10_000,
    "TIER_100K": 100_000,
    "TIER_UNLIMITED": 0,
}
"""People within 24 hours by the platform's word; 0 is no limit."""


@dataclass(frozen=True, slots=True)
class Judging:
    """Applies `phone_number_quality_update`, in order."""

    braking: Braking

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> list[Verdict]:
        """One verdict for each item."""
        return [await self._apply(tx, each) for each in items]

    async def _apply(self, tx: Transaction, received: Received) -> Verdict:
        told: Mapping[str, Any] = orjson.loads(received.item.content)
        value, account = told["value"], text(told.get("account"))
        shown = "".join(each for each in text(value.get("display_phone_number")) if each.isdigit())
        channel_id = await SenderRepository(tx).of_number(account, shown)
        if channel_id is None:
            return Quarantined("a word on a number that is not connected")
        limit = LIMITS.get(text(value.get("current_limit")))
        await self.braking.judged(tx, channel_id, QUALITIES.get(text(value.get("event")), ""), limit)
        return Applied()
