"""What the assistant says while it answers: kept piece by piece, and read from any place on, by any process."""

import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from generation.assistant.model import Turn, TurnState
from generation.assistant.repository import AssistantRepository
from generation.assistant.screen import Screen
from generation.assistant.sealing import AssistantSeal
from generation.generations.streaming import AT_ONCE, EVERY, Bells
from kit.db.database import Database


@dataclass(slots=True)
class Voice:
    """Keeps what is said in one answer; nothing is kept that has not passed the screen."""

    database: Database
    seal: AssistantSeal
    bells: Bells
    turn: Turn
    screen: Screen
    number: int = 0
    held: str = ""
    held_since: float = 0.0
    whole: str = ""

    async def say(self, text: str) -> None:
        """Some more of the answer; kept soon."""
        passed = self.screen.more(text)
        if not self.held:
            self.held_since = time.monotonic()
        self.held += passed
        self.whole += passed
        if self.held and time.monotonic() - self.held_since >= EVERY:
            await self._flush()

    async def pause(self) -> None:
        """A stretch of text is at its end; what comes next stands apart."""
        rest = self.screen.rest()
        self.held += rest
        self.whole += rest
        if self.whole and not self.whole.endswith("\n"):
            self.held += "\n\n"
            self.whole += "\n\n"
        await self._flush()

    async def tell(self, event: str, **more: str) -> None:
        """That a tool is used, or something is put before the person."""
        await self._keep({"event": event} | more)

    async def _flush(self) -> None:
        if self.held:
            held, self.held = self.held, ""
            await self._keep({"event": "text", "text": held})

    async def _keep(self, said: Mapping[str, str]) -> None:
        self.number += 1
        where = self.turn.organization_id
        sealed = await self.seal.piece(where, self.turn.id, self.number, orjson.dumps(said))
        async with self.database.transaction(where) as tx:
            await AssistantRepository(tx).add_piece(self.turn.id, self.number, sealed)
        self.bells.ring(self.turn.id)


@dataclass(frozen=True, slots=True)
class Listening:
    """Reads what is said, from a number on, until the answer has ended."""

    database: Database
    seal: AssistantSeal
    bells: Bells

    async def pieces(self, turn: Turn, after: int) -> AsyncGenerator[tuple[int, dict[str, Any]] | Turn, None]:
        """Pieces with their numbers; the ended turn is the last."""
        where = turn.organization_id
        while True:
            async with self.database.snapshot(where) as tx:
                now = await AssistantRepository(tx).turn(turn.id, turn.conversation_id)
                rows = await AssistantRepository(tx).pieces(turn.id, after, AT_ONCE)
            sealed = [(row["number"], row["piece_sealed"]) for row in rows]
            opened = await self.seal.pieces(where, turn.id, sealed)
            for (number, _), said in zip(sealed, opened, strict=True):
                after = number
                if said:
                    yield number, orjson.loads(said)
            if len(rows) == AT_ONCE:
                continue
            if now.state is not TurnState.RUNNING:
                yield now
                return
            await self.bells.wait(turn.id)
