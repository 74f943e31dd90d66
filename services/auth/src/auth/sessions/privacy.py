from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from uuid import UUID

from auth.accounts.repository import PersonsAccount
from auth.devices.repository import DeviceRepository
from auth.sessions.repository import PersonsSessions
from auth.sessions.revoking import end_sessions
from auth.sessions.whereabouts import Whereabouts
from auth.sign_ins.repository import SignInRepository
from auth.throttle.model import Key
from auth.throttle.repository import ThrottleRepository
from auth.throttle.service import Throttle
from kit.db.database import Database, Row, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class SessionHolding:
    """When a user was signed in, and tried to. To be erased right before the account."""

    database: Database
    throttle: Throttle
    whereabouts: Whereabouts
    tables: ClassVar[frozenset[str]] = frozenset({"sessions", "sign_ins", "revocations", "throttles"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """The times of sessions and attempts; no tokens, and nothing by which one could be made."""
        _ = organization_ids
        if person.kind != "user":
            return
        after: UUID | None = None
        while True:
            async with self.database.transaction() as tx:
                rows = await PersonsSessions(tx).page(person.id, after, _PAGE)
            yield Rows("sessions", await self._opened(rows))
            if len(rows) < _PAGE:
                break
            after = rows[-1]["id"]
        async with self.database.snapshot() as tx:
            revocations = await PersonsSessions(tx).revocations(person.id)
            sign_ins = await SignInRepository(tx).of(person.id)
            attempts = await ThrottleRepository(tx).of(await self._guesses(tx, person.id))
        yield Rows("sign_ins", [dict(row) for row in sign_ins])
        yield Rows("revocations", [dict(row) for row in revocations])
        yield Rows("throttles", [dict(row) for row in attempts])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """All sessions end, which gateways hear, and go; that they ended is kept until no token is good any more."""
        _ = way
        if person.kind != "user":
            return Erased()
        sessions = PersonsSessions(tx)
        removed = {
            "throttles": await ThrottleRepository(tx).forget(await self._guesses(tx, person.id)),
            "sessions": await sessions.delete(person.id, _PAGE),
            "sign_ins": 0,
        }
        if not await sessions.lock_user(person.id):
            return Erased(removed=removed)
        removed["sessions"] += await sessions.delete(person.id, _PAGE)  # begun since, and none is any more
        removed["sign_ins"] = await SignInRepository(tx).delete(person.id)
        await end_sessions(tx, person.id)
        removed["revocations"] = await sessions.delete_revocations_but_last(person.id)
        return Erased(
            removed=removed,
            kept={"revocations": 1},
            because={"revocations": "security"},
            more=removed["sessions"] >= _PAGE,
        )

    async def _opened(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        visitors = await self.whereabouts.open([(row["id"], row["visitor_sealed"]) for row in rows])
        told = []
        for row, visitor in zip(rows, visitors, strict=True):
            shown = dict(row) | {"ip_address": visitor.address or None, "user_agent": visitor.agent or None}
            del shown["visitor_sealed"]
            told.append(shown)
        return told

    async def _guesses(self, tx: Transaction, user_id: UUID) -> list[Key]:
        known = await PersonsAccount(tx).addresses(user_id)
        devices = await DeviceRepository(tx).ids(user_id)
        return self.throttle.keys_of(user_id, tuple(each.blind for each in known), devices)
