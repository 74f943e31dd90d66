"""Gives lines their places in the log: one process at a time, in batches, each with a signed checkpoint.

Whoever writes a line never waits for the log, and nobody chains a hash to another's: the order is decided here alone,
so the log cannot fork, whatever happens at once.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from compliance.audit.errors import LogBroken
from compliance.audit.keys import LogKeys
from compliance.audit.merkle import Tree, append, edge_of, leaf_hash
from compliance.audit.model import Checkpoint, Line
from compliance.audit.notes import Signer
from compliance.audit.repository import LogRepository, PendingRepository
from kit.db.database import Database, Transaction
from kit.telemetry import metrics

log = structlog.get_logger(__name__)

TOPIC: Final = "audit"
BATCH: Final = 2_000
GATHER: Final = 0.25
"""Seconds between two batches that were not full: fewer checkpoints, and still one within a second."""

ENTRIES: Final = metrics.counter("compliance_audit_entries_total", "Entries that were put into the audit trail")
CHECKPOINT_LAG: Final = metrics.gauge(
    "compliance_audit_lag_seconds", "Age of the oldest line of the last batch when its checkpoint was signed"
)


@dataclass(frozen=True, slots=True)
class Sequencer:
    """Any number may run; one works at a time, and the others pass."""

    database: Database
    keys: LogKeys
    batch: int = BATCH
    gather: float = GATHER

    async def run(self) -> None:
        """Work for ever, woken by what arrives."""
        await self.database.wakeups.work_off(TOPIC, self._turn, every=1.0)

    async def _turn(self) -> bool:
        count = await self.step()
        if 0 < count < self.batch:
            await asyncio.sleep(self.gather)
        return count > 0

    async def step(self) -> int:
        """Put a batch into the log and sign what the log is then, in one commit; returns how many lines were at hand.

        Raises:
            LogBroken: the tree is not the one that was signed; nothing is added to it.
        """
        signer = await self.keys.signer()
        async with self.database.transaction() as tx:
            if not await LogRepository(tx).lock():
                return 0
            waiting = await PendingRepository(tx).oldest(self.batch)
            if not waiting:
                return 0
            await tx.bind(*{line.organization_id for line in waiting})
            added = await self._append(tx, signer, waiting)
            await PendingRepository(tx).remove(waiting)
        ENTRIES.inc(added)
        CHECKPOINT_LAG.set((self.database.clock.now() - min(line.at for line in waiting)).total_seconds())
        return len(waiting)

    async def _append(self, tx: Transaction, signer: Signer, waiting: Sequence[Line]) -> int:
        entries = LogRepository(tx)
        known = await entries.known(waiting)
        fresh = [line for line in waiting if (line.organization_id, line.id) not in known]
        if not fresh:
            return 0
        before = await entries.newest()
        edge = await entries.tiles(edge_of(before.size))
        if Tree(edge).hash((0, before.size)) != before.root:
            raise LogBroken
        counts = await entries.counts()
        numbered = _numbered(fresh, counts)
        grown = append(edge, before.size, [leaf_hash(leaf) for _, _, leaf in numbered])
        await entries.add(before.size, numbered)
        await entries.save_counts({line.organization_id: counts[line.organization_id] for line in fresh})
        await entries.save_tiles(grown.tiles)
        await entries.save_checkpoint(Checkpoint(grown.size, grown.root, signer.checkpoint(grown.size, grown.root)))
        return len(fresh)


def _numbered(lines: Sequence[Line], counts: dict[UUID, int]) -> list[tuple[int, Line, bytes]]:
    """Each line with its number within its organization and its bytes; `counts` goes on."""
    numbered = []
    for line in lines:
        sequence = counts[line.organization_id] = counts.get(line.organization_id, 0) + 1
        numbered.append((sequence, line, line.leaf(sequence)))
    return numbered
