"""Media as platforms take them, asked for when a post is scheduled, so that they are there when it leaves."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect
from publisher.media.uploads import lane_of
from publisher.media.workshop.verdict import Facts
from publisher.renditions.model import RENDER, Need, Rendition
from publisher.renditions.repository import RenditionRepository


@dataclass(frozen=True, slots=True)
class Renditions:
    """Asks for renditions and finds them."""

    ledger: Callable[[], Ledger]

    async def ask(self, tx: Transaction, needs: Iterable[Need]) -> None:
        """Have those made that nobody has asked for yet."""
        wanted = {need.key: need for need in needs}
        if not wanted:
            return
        added = await RenditionRepository(tx).add(wanted.values())
        await self.ledger().add(tx, *(Effect(RENDER, lane_of(row["organization_id"]), row["id"]) for row in added))

    async def find(self, tx: Transaction, needs: Collection[Need]) -> Mapping[tuple[UUID, str], Rendition]:
        """Where each of them stands; those that nobody has asked for are asked for now."""
        if not needs:
            return {}
        await self.ask(tx, needs)
        rows = await RenditionRepository(tx).of_media({need.media_id for need in needs})
        return {(row["media_id"], row["shape"]): _rendition(row) for row in rows}


def _rendition(row: Row) -> Rendition:
    facts = None if row["facts"] is None else Facts(**row["facts"])
    return Rendition(row["id"], facts, row["object"], row["state"] == "failed", row["reason"])
