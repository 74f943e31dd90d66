from dataclasses import dataclass, field

from auth.challenges.errors import TextCodeOver, TooManyTexts
from auth.challenges.model import CODE_LIFE, Challenge
from auth.texts.model import COOL_DOWN, HOUR, KIND, LANE, TextLimits
from auth.texts.repository import TextRepository
from kit.db.database import Database, Transaction
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Lane


@dataclass(frozen=True, slots=True)
class Texts:
    """Text messages: written with what they are about, sent by the ledger."""

    database: Database
    ledger: Ledger
    limits: TextLimits = field(default_factory=TextLimits)
    rate: float = 10.0

    async def insist_on_room(
        self, tx: Transaction, blind: bytes, network: bytes, again: Challenge | None = None
    ) -> None:
        """Go on only while few texts were asked for; the same for numbers that nobody has.

        Raises:
            TooManyTexts: to this number, to numbers like it, to all, or for this challenge just now.
        """
        room = await TextRepository(tx).room(blind, network, self.limits, HOUR, again.id if again else None)
        if room["since"] is not None and room["since"] < COOL_DOWN:
            raise TooManyTexts(retry_after=max(1.0, (COOL_DOWN - room["since"]).total_seconds()))
        if not (room["number"] and room["network"] and room["all"]):
            raise TooManyTexts(retry_after=600.0)

    async def repeat(self, tx: Transaction, challenge: Challenge) -> None:
        """Let the text of a challenge leave once more, after a while.

        Raises:
            TextCodeOver: none was ever asked for.
            TooManyTexts: as above.
        """
        network = await TextRepository(tx).network_of(challenge.id)
        if network is None:
            raise TextCodeOver
        await self.insist_on_room(tx, challenge.blind, network, challenge)
        await self.queue(tx, challenge, network)

    async def queue(self, tx: Transaction, challenge: Challenge, network: bytes) -> None:
        """Let a text leave with the commit; one that waits until its code has expired never does."""
        text_id = new_id()
        await TextRepository(tx).add(text_id, challenge, network)
        lane = Lane(None, LANE, rate=self.rate)
        await self.ledger.add(tx, Effect(KIND, lane, text_id, expires_at=self.database.clock.now() + CODE_LIFE))
