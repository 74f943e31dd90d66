from datetime import datetime
from uuid import UUID

from pydantic import Field

from inbox.timeline.model import What
from kit.http.models import Out


class TimelineLineOut(Out):
    """One thing that happened with a contact; what does not apply is null."""

    at: datetime
    what: What = Field(
        description="`message_last` is the last message of a conversation so far; `labelled` and `field_set` tell of "
        "labels and values that are there now; `broadcast` of one that left for the contact."
    )
    id: UUID = Field(
        description="Of what it tells: a conversation, note, consent entry, import, merge, broadcast, label, "
        "attribute, or the contact."
    )
    contact_id: UUID = Field(description="Whose it is, of the contacts that are shown as one.")
    by: UUID | None = Field(description="The user who did it, where that is kept.")
    conversation_id: UUID | None
    channel_id: UUID | None
    other_id: UUID | None = Field(description="Of `merged` and `separated`: the contact that is shown as the other.")
    state: str | None = Field(
        description="Of a conversation, its state now; of consent what was said; of an import `made` or "
        "`changed`; of a broadcast how far it has come."
    )
    kind: str | None = Field(description="The kind of channel, or the rule of a merge.")
    detail: str | None = Field(description="Of consent, the purpose.")
    text: str | None = Field(description="What a note says; null when it was deleted.")
