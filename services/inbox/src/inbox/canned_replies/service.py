from dataclasses import dataclass
from uuid import UUID

from inbox.arrangement.model import Arranged
from inbox.arrangement.service import Arrangements, Place
from inbox.canned_replies.schemas import ChangeCannedReply, MakeCannedReply
from inbox.conversations.repository import ConversationRepository
from inbox.variables.rendering import Filled, parsed
from inbox.variables.values import Values
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller
from kit.http.etag import Condition
from kit.http.idempotency import Idempotency
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class CannedReplyService:
    """Replies that are written by a short code, with variables that are known when they are saved."""

    database: Database
    keyring: Keyring
    values: Values

    @property
    def _things(self) -> Arrangements:
        return Arrangements(self.database, self.keyring, "canned_reply")

    async def page(self, caller: MemberCaller, prefix: str, after: Place | None, limit: int) -> list[Arranged]:
        """Those that all share and the caller's own, by short code; only codes that begin so."""
        return await self._things.page(caller, prefix.strip().lower(), after, limit)

    async def make(self, caller: MemberCaller, wanted: MakeCannedReply, once: Idempotency) -> Arranged:
        """Make one.

        Raises:
            VariableUnknown, VariableMalformed: its text cannot be filled.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            document = await self._document(tx, wanted)
            return await self._things.make(tx, caller, wanted.short_code, document, shared=wanted.shared, once=once)

    async def change(
        self, caller: MemberCaller, reply_id: UUID, wanted: ChangeCannedReply, expected: Condition
    ) -> Arranged:
        """Let one say something else.

        Raises:
            VariableUnknown, VariableMalformed: its text cannot be filled.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            document = await self._document(tx, wanted)
            return await self._things.change(tx, caller, reply_id, wanted.short_code, document, expected=expected)

    async def delete(self, caller: MemberCaller, reply_id: UUID) -> None:
        """It is gone."""
        await self._things.delete(caller, reply_id)

    async def fill(self, caller: MemberCaller, reply_id: UUID, conversation_id: UUID) -> Filled:
        """What it says in a conversation."""
        async with self.database.snapshot(caller.organization_id) as tx:
            found = await self._things.find(tx, caller.user_id, reply_id)
            conversation = await ConversationRepository(tx).find(conversation_id)
            text = parsed(found.document["text"], None)
            return text.filled(await self.values.of(tx, conversation, caller.user_id, text.variables))

    async def _document(self, tx: Transaction, wanted: ChangeCannedReply) -> dict[str, str]:
        parsed(wanted.text, await self.values.known(tx))
        return {"title": wanted.title, "text": wanted.text}
