"""What an operator sees of the ledger across tenants, and the two decisions a person may take."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self
from uuid import UUID

from kit.db.database import Database, Row
from kit.ledger import rows
from kit.ledger.errors import EffectNotFound
from kit.ledger.ledger import Ledger
from kit.ledger.model import Attempt, Entry, Status

OPEN: Final = (Status.UNKNOWN, Status.UNCONFIRMED, Status.REFUSED)
"""What is listed when no status is asked for."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An effect as an operator sees it; `held` says why its lane is held, if it is."""

    id: UUID
    kind: str
    organization_id: UUID | None
    lane_key: str
    subject_id: UUID
    status: Status
    attempt: int
    due_at: datetime
    created_at: datetime
    called_at: datetime | None
    look_at: datetime | None
    external_id: str | None
    reason: str
    code: str
    settled_at: datetime | None
    settled_by: str | None
    held: str | None

    @classmethod
    def of(cls, row: Row) -> Self:
        """Read a row."""
        values = {name: row[name] for name in cls.__dataclass_fields__}
        return cls(**{**values, "status": Status(row["status"])})


class Operating:
    """The operator's view of one service's ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @property
    def _database(self) -> Database:
        return self._ledger.database

    async def page(
        self,
        *,
        statuses: tuple[Status, ...] = OPEN,
        kind: str | None = None,
        before: UUID | None = None,
        older_than: timedelta = timedelta(),
        limit: int = 50,
    ) -> list[Shown]:
        """The newest effects in these states that have been due for so long, before an id.

        What is pending is listed once it is due, and of this process's kinds where none is asked for.
        """
        found = await self._database.statement(
            "SELECT * FROM ledger_list($1, $2, $3, $4, $5, $6)",
            list(statuses),
            kind,
            [kind] if kind else list(self._ledger.kinds),
            before,
            older_than,
            limit,
        )
        return [Shown.of(row) for row in found]

    async def show(self, entry_id: UUID) -> tuple[Shown, list[Attempt]]:
        """One effect and what was tried.

        Raises:
            EffectNotFound: there is none of this id.
        """
        async with self._database.transaction(*await self._owner(entry_id)) as tx:
            shown = await rows.show(tx, entry_id)
            if shown is None:
                raise EffectNotFound
            tried = await rows.attempts(tx, [shown["kind"]], [shown["subject_id"]])
            return Shown.of(shown), tried.get(shown["subject_id"], [])

    async def retry(self, entry_id: UUID) -> Entry:
        """Try it again now; for what is unknown or unconfirmed this accepts that it may happen twice.

        Raises:
            EffectNotFound: there is none of this id.
            EffectMovedOn: it is being called, or has happened.
        """
        async with self._database.transaction(*await self._owner(entry_id)) as tx:
            return await self._ledger.retry(tx, entry_id)

    async def give_up(self, entry_id: UUID, reason: str) -> Entry:
        """End it as refused.

        Raises:
            EffectNotFound: there is none of this id.
            EffectMovedOn: it is being called, or has ended.
        """
        async with self._database.transaction(*await self._owner(entry_id)) as tx:
            return await self._ledger.give_up(tx, entry_id, reason)

    async def _owner(self, entry_id: UUID) -> list[UUID]:
        """Whose it is, to bind the transaction to; nobody's for the platform's own."""
        found = await self._database.statement("SELECT organization_id FROM ledger_owner($1)", entry_id)
        if not found:
            raise EffectNotFound
        return [row["organization_id"] for row in found if row["organization_id"]]
