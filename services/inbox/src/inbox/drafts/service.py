from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from inbox.contacts.recognizing import subject
from inbox.conversations.repository import ConversationRepository
from inbox.drafts.repository import DRAFT, DraftRepository
from inbox.drafts.schemas import SaveDraft
from inbox.messages.errors import ContactForgotten
from kit.db.database import Database, Row
from kit.http.caller import MemberCaller
from kit.http.etag import Changed, Condition
from kit.seal import Keyring, KeyShredded


@dataclass(frozen=True, slots=True)
class Draft:
    """What a member has begun to write."""

    text: str = ""
    reply_to: UUID | None = None
    changed_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class DraftService:
    """What members have begun to write, sealed under the contact's key.

    Two tabs cannot overwrite one another unseen: each save names the version it was made from. A draft that was sent
    keeps its row without content, so that a late tab finds another version and not nothing.
    """

    database: Database
    keyring: Keyring

    async def read(self, caller: MemberCaller, conversation_id: UUID) -> Draft:
        """The caller's own."""
        async with self.database.snapshot(caller.organization_id) as tx:
            await ConversationRepository(tx).find(conversation_id)
            row = await DraftRepository(tx).find(conversation_id, caller.user_id)
        return await self._opened(caller.organization_id, row)

    async def save(
        self, caller: MemberCaller, conversation_id: UUID, wanted: SaveDraft, expected: Condition
    ) -> Draft:
        """Keep what the caller has written.

        Raises:
            Changed: another tab has saved, or it was sent.
            ContactForgotten: the contact's key was destroyed.
            ConversationContinued: it goes on in another one.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            conversations, drafts = ConversationRepository(tx), DraftRepository(tx)
            conversation = await conversations.hold(conversation_id)
            before = await drafts.find(conversation_id, caller.user_id, for_update=True)
            version = 0 if before is None else before["version"]
            expected.check(version)
            told = orjson.dumps({"text": wanted.text, "reply_to": wanted.reply_to})
            try:
                owner = await conversations.begun_with(conversation, None if before is None else before["origin_id"])
                sealed = await self.keyring.seal(caller.organization_id, told, DRAFT, subject=subject(owner))
            except KeyShredded as shredded:
                raise ContactForgotten from shredded
            row = await drafts.save(conversation_id, caller.user_id, sealed, version)
        if row is None:
            raise Changed
        return await self._opened(caller.organization_id, row)

    async def discard(self, caller: MemberCaller, conversation_id: UUID) -> None:
        """Throw it away."""
        async with self.database.transaction(caller.organization_id) as tx:
            await ConversationRepository(tx).find(conversation_id)
            await DraftRepository(tx).empty(conversation_id, caller.user_id)

    async def _opened(self, organization_id: UUID, row: Row | None) -> Draft:
        if row is None:
            return Draft()
        sealed = [(row["content_sealed"], DRAFT)] if row["content_sealed"] else []
        (opened,) = await self.keyring.open_many(organization_id, sealed) if sealed else [None]
        told: dict[str, Any] = {"text": "", "reply_to": None} if opened is None else orjson.loads(opened)
        reply_to = None if told["reply_to"] is None else UUID(told["reply_to"])
        return Draft(told["text"], reply_to, row["changed_at"], row["version"])
