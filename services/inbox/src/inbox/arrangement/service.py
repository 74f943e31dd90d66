"""Canned replies, macros and saved filters: one way to keep what makes work quicker, shared or one's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from contracts.permissions import allows
from inbox.arrangement.errors import NameTaken, NotArranged, SharedByAll, TooManyArranged
from inbox.arrangement.facts import tell_arranged
from inbox.arrangement.model import MOST_OWN, MOST_SHARED, Arranged, ArrangedKind
from inbox.arrangement.repository import ArrangementRepository
from kit.audit import audited
from kit.db.database import Database, Row, Transaction
from kit.http.caller import MemberCaller
from kit.http.etag import Condition
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.privacy.person import Person
from kit.seal import Keyring

DOCUMENT: Final = b"arrangements.document_sealed"
Place = tuple[str, UUID]


@dataclass(frozen=True, slots=True)
class Arrangements:
    """Things of one kind; what is shared is sealed under the organization's key, what is somebody's under theirs."""

    database: Database
    keyring: Keyring
    kind: ArrangedKind

    async def page(self, caller: MemberCaller, prefix: str, after: Place | None, limit: int) -> list[Arranged]:
        """What is shared and what is the caller's own, by name; only names that begin so."""
        async with self.database.snapshot(caller.organization_id) as tx:
            rows = await ArrangementRepository(tx, self.kind).page(caller.user_id, prefix, after, limit)
        return await self._opened(caller.organization_id, rows)

    async def find(self, tx: Transaction, user_id: UUID, thing_id: UUID) -> Arranged:
        """One that this user may use.

        Raises:
            NotArranged: there is none.
        """
        row = await ArrangementRepository(tx, self.kind).find(thing_id, user_id)
        if row is None:
            raise NotArranged
        (found,) = await self._opened(tx.organization_id, [row])
        return found

    async def make(
        self,
        tx: Transaction,
        caller: MemberCaller,
        key: str,
        document: Mapping[str, Any],
        *,
        shared: bool,
        once: Idempotency,
    ) -> Arranged:
        """Make one.

        Raises:
            SharedByAll: the caller may make none for all.
            NameTaken, TooManyArranged: there is no place for it.
        """
        things, owner_id = ArrangementRepository(tx, self.kind), None if shared else caller.user_id
        _insist(caller, owner_id)
        if earlier := await once.claim(tx):
            return await self.find(tx, caller.user_id, earlier.resource_id)
        if await things.one_by_one(owner_id) >= (MOST_SHARED if shared else MOST_OWN):
            raise TooManyArranged
        row = await things.add(new_id(), owner_id, key, await self._sealed(tx, owner_id, document))
        if row is None:
            raise NameTaken
        await once.remember(tx, row["id"])
        await self._tell(tx, caller, row, "made")
        (made,) = await self._opened(tx.organization_id, [row])
        return made

    async def change(
        self,
        tx: Transaction,
        caller: MemberCaller,
        thing_id: UUID,
        key: str,
        document: Mapping[str, Any],
        *,
        expected: Condition,
    ) -> Arranged:
        """Let one be something else; whose it is stays.

        Raises:
            NotArranged: there is none.
            SharedByAll: the caller may not change it.
            NameTaken: another one has the name.
        """
        before = await self._locked(tx, caller, thing_id)
        expected.check(before["version"])
        sealed = await self._sealed(tx, before["owner_id"], document)
        row = await ArrangementRepository(tx, self.kind).save(thing_id, key, sealed)
        if row is None:
            raise NameTaken
        await self._tell(tx, caller, row, "changed")
        (changed,) = await self._opened(tx.organization_id, [row])
        return changed

    async def delete(self, caller: MemberCaller, thing_id: UUID) -> None:
        """It is gone.

        Raises:
            NotArranged: there is none.
            SharedByAll: the caller may not delete it.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            before = await self._locked(tx, caller, thing_id)
            await ArrangementRepository(tx, self.kind).delete(thing_id)
            await self._tell(tx, caller, before, "deleted")

    async def _locked(self, tx: Transaction, caller: MemberCaller, thing_id: UUID) -> Row:
        things = ArrangementRepository(tx, self.kind)
        row = await things.find(thing_id, caller.user_id)
        if row is None:
            raise NotArranged
        _insist(caller, row["owner_id"])
        await things.one_by_one(row["owner_id"])
        locked = await things.find(thing_id, caller.user_id, for_update=True)
        if locked is None:
            raise NotArranged
        return locked

    async def _tell(self, tx: Transaction, caller: MemberCaller, row: Row, what: str) -> None:
        """What is somebody's own concerns nobody else."""
        if row["owner_id"] is not None:
            return
        deleted = what == "deleted"
        await tell_arranged(tx, self.kind, row["id"], row["version"] + deleted, deleted=deleted)
        await tx.emit(audited("inbox.arrangement.changed", caller, self.kind, row["id"], what=what))

    async def _sealed(self, tx: Transaction, owner_id: UUID | None, document: Mapping[str, Any]) -> bytes:
        subject = None if owner_id is None else Person("user", owner_id).key_owner
        return await self.keyring.seal(tx.organization_id, orjson.dumps(document), DOCUMENT, subject=subject)

    async def _opened(self, organization_id: UUID, rows: Sequence[Row]) -> list[Arranged]:
        sealed = [(row["document_sealed"], DOCUMENT) for row in rows]
        opened = await self.keyring.open_many(organization_id, sealed) if sealed else []
        return [
            Arranged(
                id=row["id"],
                key=row["key"],
                owner_id=row["owner_id"],
                document=orjson.loads(document),
                version=row["version"],
                created_at=row["created_at"],
                changed_at=row["changed_at"],
            )
            for row, document in zip(rows, opened, strict=True)
            if document is not None
        ]


def _insist(caller: MemberCaller, owner_id: UUID | None) -> None:
    delegated = caller.agency_id is not None
    if owner_id is None and not allows("arrangement.manage", caller.role, delegated=delegated):
        raise SharedByAll
