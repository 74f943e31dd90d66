"""By what those who wait for something in a conversation are woken."""

from uuid import UUID


def of_conversation(conversation_id: UUID) -> str:
    """Something of ours may now be fetched by the contact, on channels where it lies with us until then."""
    return f"conversation:{conversation_id}"
