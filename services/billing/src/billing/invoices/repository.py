from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from billing.invoices.errors import InvoiceNotFound
from billing.invoices.model import Invoice, Line, Seen
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL, END_OF_TIME, new_id

_SEEN: Final = (
    "stripe_id, stripe_subscription_id, number, status, reason, currency, subtotal, discount, tax, total, due, paid, "
    "remaining, lines, period_start, period_end, due_at, next_attempt_at, attempts, finalized_at, paid_at, created_at"
)
_COLUMNS: Final = f"id, credited, version, {_SEEN}"


@dataclass(frozen=True, slots=True)
class InvoiceRepository:
    """The invoices of the transaction's organization."""

    tx: Transaction

    async def find(self, invoice_id: UUID) -> Invoice:
        """One of them.

        Raises:
            InvoiceNotFound: it is not there.
        """
        return await self._find(invoice_id, "")

    async def hold(self, invoice_id: UUID) -> Invoice:
        """One of them, for update: what is credited of it is decided by one after the other.

        Raises:
            InvoiceNotFound: it is not there.
        """
        return await self._find(invoice_id, "FOR NO KEY UPDATE")

    async def _find(self, invoice_id: UUID, locking: str) -> Invoice:
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM invoices WHERE id = $1 AND organization_id = $2 {locking}",  # noqa: S608 - ours
            invoice_id,
            self.tx.organization_id,
        )
        if row is None:
            raise InvoiceNotFound
        return _invoice(row)

    async def lock(self, stripe_id: str) -> Invoice | None:
        """The invoice of this id of Stripe's, for update."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM invoices WHERE stripe_id = $1 AND organization_id = $2 FOR NO KEY UPDATE
            """,  # noqa: S608 - our own columns
            stripe_id,
            self.tx.organization_id,
        )
        return None if row is None else _invoice(row)

    async def by_stripe_ids(self, stripe_ids: Collection[str]) -> Mapping[str, Invoice]:
        """Those of these, by Stripe's id."""
        rows = await self.tx.fetch(
            f"SELECT {_COLUMNS} FROM invoices WHERE organization_id = $1 AND stripe_id = ANY ($2)",  # noqa: S608 - ours
            self.tx.organization_id,
            list(stripe_ids),
        )
        return {row["stripe_id"]: _invoice(row) for row in rows}

    async def page(self, before: tuple[datetime, UUID] | None, at_most: int) -> list[Invoice]:
        """Invoices, the newest first."""
        moment, invoice_id = before or (END_OF_TIME, AFTER_ALL)
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM invoices
            WHERE organization_id = $1 AND (created_at, id) < ($2, $3)
            ORDER BY created_at DESC, id DESC LIMIT $4
            """,  # noqa: S608 - our own columns
            self.tx.organization_id,
            moment,
            invoice_id,
            at_most,
        )
        return [_invoice(row) for row in rows]

    async def add(self, invoice: Invoice) -> None:
        """A new one, with who pays it."""
        names, values = _values(invoice.seen)
        places = ", ".join(f"${number}" for number in range(3, len(values) + 3))
        await self.tx.execute(
            f"INSERT INTO invoices (id, organization_id, {', '.join(names)}) VALUES ($1, $2, {places})",  # noqa: S608
            invoice.id,
            self.tx.organization_id,
            *values,
        )
        await self._link(invoice)

    async def save(self, invoice: Invoice) -> None:
        """Write what is seen now; what a finalised invoice says is the same as before."""
        names, values = _values(invoice.seen)
        sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(names, start=4))
        await self.tx.execute(
            f"UPDATE invoices SET version = $3, {sets} WHERE id = $1 AND organization_id = $2",  # noqa: S608
            invoice.id,
            self.tx.organization_id,
            invoice.version,
            *values,
        )
        await self._link(invoice)

    async def _link(self, invoice: Invoice) -> None:
        await self.tx.execute(
            """
            INSERT INTO invoice_payments (stripe_payment_id, organization_id, invoice_id)
            SELECT payment, $2, $3 FROM unnest($1::text[]) AS t (payment)
            ON CONFLICT (stripe_payment_id) DO NOTHING
            """,
            list(invoice.seen.payments),
            self.tx.organization_id,
            invoice.id,
        )

    async def delete_draft(self, stripe_id: str) -> None:
        """Forget a draft that was deleted at Stripe; a finalised invoice stays."""
        await self.tx.execute(
            "DELETE FROM invoices WHERE stripe_id = $1 AND organization_id = $2 AND finalized_at IS NULL",
            stripe_id,
            self.tx.organization_id,
        )

    async def owing_since(self, subscription: str) -> datetime | None:
        """When the oldest invoice of a subscription that is still open was issued."""
        moment: datetime | None = await self.tx.fetchval(
            """
            SELECT min(finalized_at) FROM invoices
            WHERE organization_id = $1 AND status = 'open' AND stripe_subscription_id = $2
            """,
            self.tx.organization_id,
            subscription,
        )
        return moment


def new(seen: Seen) -> Invoice:
    """An invoice that is seen for the first time."""
    return Invoice(new_id(), seen, credited=0, version=1)


def _values(seen: Seen) -> tuple[Sequence[str], Sequence[Any]]:
    others = {"payments", "subscription", "lines"}
    values = {name: getattr(seen, name) for name in seen.__slots__ if name not in others}
    values |= {"stripe_subscription_id": seen.subscription, "lines": [_plain(line) for line in seen.lines]}
    return list(values), list(values.values())


def _plain(line: Line) -> Mapping[str, Any]:
    return {name: each.isoformat() if isinstance(each, datetime) else each for name, each in asdict(line).items()}


def _line(plain: Mapping[str, Any]) -> Line:
    moments = {name: datetime.fromisoformat(plain[name]) for name in ("period_start", "period_end")}
    return Line(**{**plain, **moments})


def _invoice(row: Row) -> Invoice:
    values = {**row, "subscription": row["stripe_subscription_id"], "lines": tuple(map(_line, row["lines"]))}
    seen = {name: values[name] for name in Seen.__slots__ if name != "payments"}
    return Invoice(row["id"], Seen(**seen), row["credited"], row["version"])
