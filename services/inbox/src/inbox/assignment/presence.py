"""Who is connected: told by the gateways again and again, and over by itself when they tell it no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from inbox.assignment.repository import AgentRepository, GivingRepository
from kit.db.database import Database

COUNTS_FOR: Final = 45.0
"""Seconds for which somebody counts as connected after a gateway said so; gateways say it every fifteen."""

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Presence:
    """Notes who is connected. Losing what was told is harmless: it is told again."""

    database: Database

    async def note(self, people: Sequence[tuple[UUID, UUID]]) -> None:
        """These (organization, user) have a page open; where somebody came, conversations may be given out."""
        told = sorted(set(people))
        for at in range(0, len(told), _AT_ONCE):
            some = told[at : at + _AT_ONCE]
            async with self.database.transaction(*{each for each, _ in some}, durable=False) as tx:
                came = await AgentRepository(tx).see(some, COUNTS_FOR)
                if came:
                    await GivingRepository(tx).nudge(*came)
