from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from billing.catalogue.model import Interval
from billing.changes.errors import ChangeNotFound
from billing.changes.model import Action, Change, ChangeState, When, basis_of
from billing.subscriptions.model import Offer
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL

_COLUMNS: Final = """
    id, organization_id, subscription_id, action, state, effective, plan, catalogue_version, billed_every, currency,
    seats, basis, proration_at, total, amount_due, stripe_invoice_id, expires_at, reason, code, read_from, version,
    created_at
"""


@dataclass(frozen=True, slots=True)
class ChangeRepository:
    """Changes of the subscriptions of the transaction's organizations."""

    tx: Transaction

    async def add(self, change: Change) -> None:
        """Write a new one."""
        target = change.target
        await self.tx.execute(
            f"""
            INSERT INTO subscription_changes ({_COLUMNS})
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, NULL, NULL, NULL, NULL, '', '', NULL, 1,
                    $14)
            """,  # noqa: S608 - a constant; values travel as parameters
            change.id,
            change.organization_id,
            change.subscription_id,
            change.action.value,
            change.state.value,
            None if change.when is None else change.when.value,
            None if target is None else target.plan,
            None if target is None else target.version,
            None if target is None else target.interval,
            change.currency,
            None if target is None else target.seats,
            asdict(change.basis),
            change.proration_at,
            change.created_at,
        )

    async def by_ids(self, change_ids: Collection[UUID]) -> Mapping[UUID, Change]:
        """Changes by id, of all organizations of the transaction."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM subscription_changes WHERE id = ANY ($1)",  # noqa: S608
            list(change_ids),
        )
        return {row["id"]: _change(row) for row in rows}

    async def find(self, change_id: UUID) -> Change:
        """One change of the organization.

        Raises:
            ChangeNotFound: there is none.
        """
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM subscription_changes WHERE organization_id = $1 AND id = $2",  # noqa: S608
            self.tx.organization_id,
            change_id,
        )
        if row is None:
            raise ChangeNotFound
        return _change(row)

    async def page(self, before: UUID | None, limit: int) -> Sequence[Change]:
        """Changes of the organization before that one, the newest first, and one more than the limit if there is."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM subscription_changes
            WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
            """,  # noqa: S608
            self.tx.organization_id,
            before or AFTER_ALL,
            limit + 1,
        )
        return [_change(row) for row in rows]

    async def open(self, subscription_id: UUID) -> Sequence[Change]:
        """Those of a subscription of which something may still come, for update."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM subscription_changes
            WHERE organization_id = $1 AND subscription_id = $2
              AND state IN ('pending', 'scheduled', 'requires_action')
            ORDER BY id FOR NO KEY UPDATE
            """,  # noqa: S608
            self.tx.organization_id,
            subscription_id,
        )
        return [_change(row) for row in rows]

    async def settle(
        self,
        change: Change,
        state: ChangeState,
        *,
        read_from: int | None = None,
        expires_at: datetime | None = None,
        reason: str = "",
        code: str = "",
    ) -> None:
        """Write what became of a change; from `read_from` on readings may say more."""
        await self.tx.execute(
            """
            UPDATE subscription_changes
            SET state = $3, read_from = coalesce($4, read_from), expires_at = coalesce($5, expires_at), reason = $6,
                code = $7, version = version + 1, changed_at = kit_now()
            WHERE organization_id = $1 AND id = $2
            """,
            self.tx.organization_id,
            change.id,
            state.value,
            read_from,
            expires_at,
            reason,
            code,
        )

    async def invoiced(self, change: Change, invoice_id: str | None, total: int, amount_due: int) -> None:
        """Write what it came to."""
        await self.tx.execute(
            """
            UPDATE subscription_changes SET stripe_invoice_id = $3, total = $4, amount_due = $5
            WHERE organization_id = $1 AND id = $2
            """,
            self.tx.organization_id,
            change.id,
            invoice_id,
            total,
            amount_due,
        )

    async def now(self) -> datetime:
        """The time of this transaction."""
        at: datetime = await self.tx.fetchval("SELECT kit_now()")
        return at


def _change(row: Row) -> Change:
    is_switch = row["plan"] is not None
    return Change(
        id=row["id"],
        organization_id=row["organization_id"],
        subscription_id=row["subscription_id"],
        action=Action(row["action"]),
        state=ChangeState(row["state"]),
        basis=basis_of(row["basis"]),
        created_at=row["created_at"],
        target=Offer(
            row["plan"], row["catalogue_version"], Interval(row["billed_every"]), row["currency"], row["seats"]
        )
        if is_switch
        else None,
        when=When(row["effective"]) if row["effective"] else None,
        proration_at=row["proration_at"],
        currency=row["currency"],
        total=row["total"],
        amount_due=row["amount_due"],
        invoice_id=row["stripe_invoice_id"],
        expires_at=row["expires_at"],
        reason=row["reason"],
        code=row["code"],
        read_from=row["read_from"],
        version=row["version"],
    )
