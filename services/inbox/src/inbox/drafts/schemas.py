from datetime import datetime
from uuid import UUID

from pydantic import Field

from kit.http.models import Model, Out


class SaveDraft(Model):
    """Keep what you have written so far; If-Match says which version you have seen, `"v0"` for none yet."""

    text: str = Field(max_length=4096)
    reply_to: UUID | None = Field(None, description="The message that it quotes.")


class DraftOut(Out):
    """What you have begun to write in a conversation; only you see it."""

    text: str
    reply_to: UUID | None
    changed_at: datetime | None
    version: int = Field(description="0 where there never was one; also the ETag.")
