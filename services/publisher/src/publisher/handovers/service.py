"""Drafts of texts that were handed over, and published texts for whoever learns from them; each once.

A handler has taken note; here it is done, by a loop of any worker: what is under seal is opened with no transaction
open, then all is changed in one commit that holds the note: two workers, a crash or a message twice make one draft.
"""

import base64
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson
import structlog

from contracts.publisher import DraftRefused, DraftWritten, SamplesHandedOver
from kit.audit import SYSTEM, User
from kit.db.database import Database, Transaction
from kit.errors import DomainError, TransientError
from kit.ledger.ledger import Ledger
from kit.process import Loop
from kit.seal import Keyring, KeyShredded
from kit.seal.sealer import SealBroken
from publisher.accounts.repository import AccountRepository
from publisher.deliveries.sending import Sending
from publisher.handovers.model import Handed, Handover, changes, draft_place, fitting, handed, sample_place
from publisher.handovers.repository import HandoverRepository, waiting
from publisher.posts.model import Post, PostStatus
from publisher.posts.planning import plan
from publisher.posts.writing import write

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Handovers:
    """Does what was taken note of."""

    database: Database
    keyring: Keyring
    sending: Sending
    ledger: Ledger

    def loop(self) -> Loop:
        """Every half second."""
        return Loop("handovers", self.work, every=0.5)

    async def work(self) -> bool:
        """Do all that waits; one that cannot be done just now stays, and keeps no other waiting."""
        after: UUID | None = None
        while True:
            async with self.database.transaction() as tx:
                rows = await waiting(tx, after, _AT_ONCE)
            for row in rows:
                after = row["id"]
                try:
                    await self._one(row["organization_id"], row["id"])
                except TransientError as trouble:
                    log.info("handover.not_now", handover_id=str(after), trouble=type(trouble).__name__)
            if len(rows) < _AT_ONCE:
                return False

    async def _one(self, organization_id: UUID, handover_id: UUID) -> None:
        async with self.database.snapshot(organization_id) as tx:
            found = await HandoverRepository(tx).find(handover_id)
        if found is None:
            return
        if found.what == "samples":
            await self._hand_over(found)
        else:
            await self._draft(found)

    async def _hand_over(self, found: Handover) -> None:
        async with self.database.snapshot(found.organization_id) as tx:
            texts = fitting(await HandoverRepository(tx).published(found.at_most))
        try:
            sealed = await self.keyring.seal(found.organization_id, orjson.dumps(texts), sample_place(found.id))
        except KeyShredded:
            sealed = b""
        async with self.database.transaction(found.organization_id) as tx:
            if await HandoverRepository(tx).find(found.id, lock=True) is None:
                return
            await HandoverRepository(tx).end(found.id, "" if sealed else "forgotten")
            if sealed:
                said = base64.b64encode(sealed).decode()
                await tx.emit(SamplesHandedOver(sample_id=found.id, posts=len(texts), texts=said))

    async def _draft(self, found: Handover) -> None:
        texts = await self._opened(found)
        async with self.database.transaction(found.organization_id) as tx:
            held = await HandoverRepository(tx).find(found.id, lock=True)
            if held is None:
                return
            reason = "not-readable"
            if texts:
                try:
                    async with tx.attempt():
                        await self._write(tx, held, texts)
                        reason = ""
                except DomainError as refusal:
                    reason = refusal.code
            await HandoverRepository(tx).end(found.id, reason)
            if reason:
                await tx.emit(DraftRefused(post_id=found.id, reason=reason))

    async def _opened(self, found: Handover) -> list[Handed]:
        """The texts; none where the key was destroyed, or they are not what was sealed for this draft."""
        try:
            opened = await self.keyring.open(found.organization_id, found.texts_sealed or b"", draft_place(found.id))
            return handed(orjson.loads(opened))
        except (KeyShredded, SealBroken, ValueError, KeyError, TypeError) as trouble:
            log.warning("handover.not_readable", handover_id=str(found.id), trouble=type(trouble).__name__)
            return []

    async def _write(self, tx: Transaction, held: Handover, texts: list[Handed]) -> None:
        now = self.database.clock.now()
        accounts = await AccountRepository(tx).among(held.account_ids)
        chosen = changes(texts, {each: accounts[each] for each in held.account_ids if each in accounts})
        blank = _blank(held, now)
        planned = await plan(tx, self.sending, blank, [], chosen, now=now)
        actor = SYSTEM if held.user_id is None else User(held.user_id)
        saved = await write(tx, self.ledger, blank, planned, now=now, actor=actor, by="generation")
        await tx.emit(DraftWritten(post_id=saved.id, version=saved.version))


def _blank(held: Handover, now: datetime) -> Post:
    post = Post(
        id=held.id,
        organization_id=held.organization_id,
        text="",
        status=PostStatus.DRAFT,
        when=None,
        created_by=None,
        version=1,
        created_at=now,
        changed_at=now,
    )
    return replace(post, created_by=held.user_id)
