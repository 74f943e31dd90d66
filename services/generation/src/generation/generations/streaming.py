"""What is said while a generation runs: kept piece by piece, and read from any place on, by any process."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import orjson

from generation.generations.model import Generation, State
from generation.generations.repository import GenerationRepository
from generation.generations.sealing import GenerationSeal
from kit.db.database import Database

EVERY: Final = 0.1
"""Seconds within which what a model says is kept together."""

LOOK: Final = 0.5
"""Seconds after which is looked again, for what another process writes."""

AT_ONCE: Final = 100


@dataclass(slots=True)
class Bells:
    """Rings when a generation of this very process has said more; others look from time to time."""

    ringing: dict[UUID, asyncio.Event] = field(default_factory=dict)

    def ring(self, generation_id: UUID) -> None:
        """There is more."""
        event = self.ringing.pop(generation_id, None)
        if event is not None:
            event.set()

    async def wait(self, generation_id: UUID) -> None:
        """Until there is more, or it is time to look."""
        event = self.ringing.setdefault(generation_id, asyncio.Event())
        try:
            async with asyncio.timeout(LOOK):
                await event.wait()
        except TimeoutError:
            if self.ringing.get(generation_id) is event:
                del self.ringing[generation_id]


@dataclass(slots=True)
class Speaker:
    """Keeps what is said of one generation."""

    database: Database
    seal: GenerationSeal
    bells: Bells
    organization_id: UUID
    generation_id: UUID
    number: int = 0
    held: str = ""
    held_since: float = 0.0

    async def say(self, text: str) -> None:
        """Some more of the answer; kept soon."""
        if not self.held:
            self.held_since = time.monotonic()
        self.held += text
        if time.monotonic() - self.held_since >= EVERY:
            await self.flush()

    async def again(self) -> None:
        """What was said is not acceptable; the answer begins anew."""
        await self.flush()
        await self._keep({"event": "again"})

    async def flush(self) -> None:
        """Keep what is held."""
        if self.held:
            held, self.held = self.held, ""
            await self._keep({"event": "text", "text": held})

    async def _keep(self, said: dict[str, str]) -> None:
        self.number += 1
        sealed = await self.seal.piece(
            self.organization_id, self.generation_id, self.number, orjson.dumps(said).decode()
        )
        async with self.database.transaction(self.organization_id) as tx:
            await GenerationRepository(tx).add_piece(self.generation_id, self.number, sealed)
        self.bells.ring(self.generation_id)


@dataclass(frozen=True, slots=True)
class Listening:
    """Reads what is said, from a number on, until the generation has ended."""

    database: Database
    seal: GenerationSeal
    bells: Bells

    async def pieces(
        self, organization_id: UUID, generation_id: UUID, after: int
    ) -> AsyncIterator[tuple[int, dict[str, str]] | Generation]:
        """Pieces with their numbers; the ended generation is the last."""
        while True:
            async with self.database.snapshot(organization_id) as tx:
                generation = await GenerationRepository(tx).find(generation_id)
                rows = await GenerationRepository(tx).pieces(generation_id, after, AT_ONCE)
            sealed = [(row["number"], row["piece_sealed"]) for row in rows]
            for (number, _), said in zip(
                sealed, await self.seal.pieces(organization_id, generation_id, sealed), strict=True
            ):
                after = number
                if said:
                    yield number, orjson.loads(said)
            if len(rows) == AT_ONCE:
                continue
            if generation.state is not State.RUNNING:
                yield generation
                return
            await self.bells.wait(generation_id)
