from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from kit.db.database import Row, Transaction
from publisher.partner_queues.model import Claim, PartnerQueue, QueueState

TOPIC: Final = "partner-queues"
"""Under which the loop is woken."""


@dataclass(frozen=True, slots=True)
class PartnerQueueRepository:
    """The partner queue of the transaction's organization."""

    tx: Transaction

    async def find(self) -> PartnerQueue:
        """The queue; a closed one when none was ever asked for."""
        row = await self.tx.fetchrow(
            """
            SELECT wanted.organization_id, coalesce(state, 'closed') AS state, coalesce(version, 0) AS version,
                   coalesce(changed_at, kit_now()) AS changed_at
            FROM (SELECT $1::uuid AS organization_id) AS wanted
            LEFT JOIN partner_queues AS queue ON queue.organization_id = wanted.organization_id
            """,
            self.tx.organization_id,
        )
        return _queue(row)

    async def lock(self) -> PartnerQueue:
        """Read the queue for update; other writers of it wait until we commit."""
        await self.tx.execute(
            "INSERT INTO partner_queues (organization_id) VALUES ($1) ON CONFLICT DO NOTHING", self.tx.organization_id
        )
        row = await self.tx.fetchrow(
            """
            SELECT organization_id, state, version, changed_at
            FROM partner_queues
            WHERE organization_id = $1
            FOR UPDATE
            """,
            self.tx.organization_id,
        )
        return _queue(row)

    async def save(self, queue: PartnerQueue) -> None:
        """Write the state and make it due at once; a queue that did not change is left alone.

        A claim stays: whoever holds it is still at the broker, and what is asked now must come after that.
        """
        await self.tx.execute(
            """
            UPDATE partner_queues
            SET state = $2, version = $3, due_at = kit_now(), failures = 0, changed_at = kit_now()
            WHERE organization_id = $1 AND version < $3
            """,
            self.tx.organization_id,
            queue.state,
            queue.version,
        )

    async def settle(self, claim: Claim) -> int | None:
        """Record that the broker has done it and return the new version; None when something else is asked by now."""
        version: int | None = await self.tx.fetchval(
            """
            UPDATE partner_queues
            SET state = $4, version = version + 1, claimed_until = NULL, failures = 0, changed_at = kit_now()
            WHERE organization_id = $1 AND attempt = $2 AND state = $3
            RETURNING version
            """,
            self.tx.organization_id,
            claim.attempt,
            claim.state,
            claim.state.settled,
        )
        return version

    async def release(self, claim: Claim) -> None:
        """Give the claim back, so that what is asked now can be done at once."""
        await self.tx.execute(
            "UPDATE partner_queues SET claimed_until = NULL WHERE organization_id = $1 AND attempt = $2",
            self.tx.organization_id,
            claim.attempt,
        )

    async def postpone(self, claim: Claim) -> None:
        """Give the claim back after a failure; each failure in a row doubles the wait, up to five minutes."""
        await self.tx.execute(
            """
            UPDATE partner_queues
            SET claimed_until = NULL, failures = failures + 1,
                due_at = kit_now() + least(interval '1 second' * 2 ^ least(failures, 10), interval '5 minutes')
            WHERE organization_id = $1 AND attempt = $2
            """,
            self.tx.organization_id,
            claim.attempt,
        )


async def claim_next(tx: Transaction, lease: timedelta) -> Claim | None:
    """Claim, whosever it is, the row that has been due longest; None when none is."""
    row = await tx.fetchrow("SELECT organization_id, state, attempt FROM claim_partner_queue($1)", lease)
    return None if row is None else Claim(row["organization_id"], QueueState(row["state"]), row["attempt"])


async def open_among(tx: Transaction, organization_ids: Collection[UUID]) -> set[UUID]:
    """Those of these organizations whose queue is open."""
    rows = await tx.fetch("SELECT open_partner_queues($1) AS organization_id", list(organization_ids))
    return {row["organization_id"] for row in rows}


def _queue(row: Row | None) -> PartnerQueue:
    if row is None:
        raise LookupError("the row was just made")
    return PartnerQueue(
        organization_id=row["organization_id"],
        state=QueueState(row["state"]),
        version=row["version"],
        changed_at=row["changed_at"],
    )
