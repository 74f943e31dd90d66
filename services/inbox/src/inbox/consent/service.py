from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.inbox import ContactChanged
from inbox.consent.errors import ConsentInFuture
from inbox.consent.model import PROOF, Entry, Standing, Wish
from inbox.consent.recording import Recorder
from inbox.consent.repository import BlockRepository, ConsentRepository
from inbox.consent.schemas import RecordConsent
from inbox.contacts.repository import ContactRepository
from inbox.conversations.facts import tell_all_changed
from inbox.messages.errors import ContactForgotten
from kit.audit import audited
from kit.db.database import Database, Row, Transaction
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.seal import Keyring, KeyShredded


@dataclass(frozen=True, slots=True)
class ConsentService:
    """What contacts want, as the team records and reads it; and whom the team has blocked."""

    database: Database
    keyring: Keyring

    async def record(
        self, caller: MemberCaller, contact_id: UUID, wanted: RecordConsent, key: Idempotency
    ) -> list[Standing]:
        """Record what a contact wants; how they stand now, in which something newer counts for more.

        Raises:
            ConsentInFuture: nobody has said that yet.
            ContactForgotten: nothing can be kept of them.
        """
        now = self.database.clock.now()
        at = wanted.at or now
        if at > now:
            raise ConsentInFuture
        async with self.database.transaction(caller.organization_id) as tx:
            await ContactRepository(tx).find(contact_id)
            if not await key.claim(tx):
                await self._record(tx, contact_id, wanted, at)
                await key.remember(tx, contact_id)
                await tx.emit(audited("inbox.consent.recorded", caller, "contact", contact_id, state=wanted.state))
            return await ConsentRepository(tx).of(contact_id)

    async def _record(self, tx: Transaction, contact_id: UUID, wanted: RecordConsent, at: datetime) -> None:
        version, proof = wanted.policy_version or "", wanted.proof or ""
        wishes = [
            Wish(contact_id, kind, purpose, wanted.state, wanted.source, at, version, proof)
            for kind in dict.fromkeys(wanted.channel_kinds)
            for purpose in dict.fromkeys(wanted.purposes)
        ]
        try:
            await Recorder(self.keyring).record(tx, wishes)
        except KeyShredded as shredded:
            raise ContactForgotten from shredded

    async def standing(self, caller: MemberCaller, contact_id: UUID) -> list[Standing]:
        """How a contact stands to each purpose."""
        async with self.database.snapshot(caller.organization_id) as tx:
            await ContactRepository(tx).find(contact_id)
            return await ConsentRepository(tx).of(contact_id)

    async def history(
        self, caller: MemberCaller, contact_id: UUID, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Entry]:
        """All that was recorded of a contact, the newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            await ContactRepository(tx).find(contact_id)
            rows = await ConsentRepository(tx).history(contact_id, after, limit)
        return await opened(self.keyring, caller.organization_id, rows)

    async def block(self, caller: MemberCaller, contact_id: UUID) -> None:
        """Hear nothing of a contact any more: what is open with them is resolved, and nothing is sent to them."""
        async with self.database.transaction(caller.organization_id) as tx:
            await ContactRepository(tx).find(contact_id)
            told = await BlockRepository(tx).put_away(contact_id)
            blocked = await BlockRepository(tx).block(contact_id)
            await tell_all_changed(tx, told)
            await self._tell(tx, caller, "inbox.contact.blocked", blocked)

    async def unblock(self, caller: MemberCaller, contact_id: UUID) -> None:
        """Hear of them again; what came meanwhile stands in their conversations."""
        async with self.database.transaction(caller.organization_id) as tx:
            await ContactRepository(tx).find(contact_id)
            await self._tell(tx, caller, "inbox.contact.unblocked", await BlockRepository(tx).unblock(contact_id))

    async def blocked(
        self, caller: MemberCaller, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[tuple[datetime, UUID]]:
        """Who is blocked, the last one first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            rows = await BlockRepository(tx).page(after, limit)
        return [(row["blocked_at"], row["id"]) for row in rows]

    async def _tell(self, tx: Transaction, caller: MemberCaller, action: str, contact_ids: Sequence[UUID]) -> None:
        for each in contact_ids:
            version = (await ContactRepository(tx).lock(each))["version"]
            await tx.emit(
                ContactChanged(organization_id=tx.organization_id, version=version, contact_id=each),
                audited(action, caller, "contact", each),
            )


async def opened(keyring: Keyring, organization_id: UUID, rows: Sequence[Row]) -> list[Entry]:
    """Lines of the history with their proofs in the clear."""
    sealed = [(row["proof_sealed"], PROOF) for row in rows if row["proof_sealed"] is not None]
    told = iter(await keyring.open_many(organization_id, sealed) if sealed else ())
    entries = []
    for row in rows:
        proof = next(told) if row["proof_sealed"] is not None else None
        values = {name: row[name] for name in Entry.__dataclass_fields__ if name != "proof"}
        entries.append(Entry(**values, proof=None if proof is None else proof.decode(errors="replace")))
    return entries
