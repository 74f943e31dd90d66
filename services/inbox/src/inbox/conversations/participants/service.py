from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from inbox.conversations.errors import ParticipantNotAMember, TooManyParticipants
from inbox.conversations.facts import tell_changed
from inbox.conversations.participants.repository import ParticipantRepository
from inbox.conversations.repository import ConversationRepository
from inbox.members.repository import MemberRepository
from kit.db.database import Database, Row
from kit.http.caller import MemberCaller

MOST: Final = 50


@dataclass(frozen=True, slots=True)
class ParticipantService:
    """Who follows a conversation without having it."""

    database: Database

    async def of(self, caller: MemberCaller, conversation_id: UUID) -> Sequence[Row]:
        """Who follows it."""
        async with self.database.snapshot(caller.organization_id) as tx:
            await ConversationRepository(tx).find(conversation_id)
            return await ParticipantRepository(tx).of(conversation_id)

    async def add(self, caller: MemberCaller, conversation_id: UUID, user_id: UUID) -> Sequence[Row]:
        """Let somebody follow it; again changes nothing.

        Raises:
            ParticipantNotAMember: nobody here who works on conversations.
            TooManyParticipants: fifty follow it.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            suits = await MemberRepository(tx).answers(user_id)
            conversation = await ConversationRepository(tx).lock(conversation_id)
            if not suits:
                raise ParticipantNotAMember
            participants = ParticipantRepository(tx)
            if await participants.add(conversation_id, user_id):
                now = replace(conversation, version=conversation.version + 1)
                await ConversationRepository(tx).save(now)
                await tell_changed(tx, now)
            found = await participants.of(conversation_id)
            if len(found) > MOST:
                raise TooManyParticipants(f"At most {MOST} people follow a conversation.")
            return found

    async def remove(self, caller: MemberCaller, conversation_id: UUID, user_id: UUID) -> None:
        """Let somebody follow it no more; again changes nothing."""
        async with self.database.transaction(caller.organization_id) as tx:
            conversation = await ConversationRepository(tx).lock(conversation_id)
            if await ParticipantRepository(tx).remove(conversation_id, user_id):
                now = replace(conversation, version=conversation.version + 1)
                await ConversationRepository(tx).save(now)
                await tell_changed(tx, now)
