from collections.abc import Sequence

from contracts.inbox import ConversationChanged, ConversationOpened, ConversationReopened
from inbox.conversations.model import Conversation, Priority
from kit.db.database import Row, Transaction


async def tell_opened(tx: Transaction, conversation: Conversation) -> None:
    """A conversation was opened."""
    await tx.emit(
        ConversationOpened(
            organization_id=tx.organization_id,
            version=conversation.version,
            conversation_id=conversation.id,
            channel_id=conversation.channel_id,
            contact_id=conversation.contact_id,
        )
    )


async def tell_reopened(tx: Transaction, conversation: Conversation) -> None:
    """A message opened it again."""
    await tx.emit(
        ConversationReopened(
            organization_id=tx.organization_id,
            version=conversation.version,
            conversation_id=conversation.id,
            channel_id=conversation.channel_id,
            contact_id=conversation.contact_id,
        )
    )


async def tell_changed(tx: Transaction, conversation: Conversation) -> None:
    """Something of it changed."""
    await tx.emit(
        ConversationChanged(
            organization_id=tx.organization_id,
            version=conversation.version,
            conversation_id=conversation.id,
            state=conversation.state.value,
            assignee_id=conversation.assignee_id,
            unread_count=conversation.unread_count,
            team_id=conversation.team_id,
            priority=conversation.priority.name.lower(),
        )
    )


async def tell_all_changed(tx: Transaction, rows: Sequence[Row]) -> None:
    """Something of these changed, from their rows, in whichever organizations."""
    await tx.emit(
        *(
            ConversationChanged(
                organization_id=row["organization_id"],
                version=row["version"],
                conversation_id=row["id"],
                state=row["state"],
                assignee_id=row["assignee_id"],
                unread_count=row["unread_count"],
                team_id=row["team_id"],
                priority=Priority(row["priority"]).name.lower(),
            )
            for row in rows
        )
    )
