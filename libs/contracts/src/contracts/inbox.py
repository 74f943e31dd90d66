"""What the inbox says: conversations, their messages and media, and the channels they come through."""

from typing import Annotated, ClassVar, Final
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.audit import AuditEntry
from contracts.event import Audience, Event
from contracts.names import NAME
from contracts.privacy import AnswersErasure, AnswersExport

WORKERS: Final = frozenset({"owner", "admin", "agent"})
"""The roles that have a door to the inbox."""

ChannelKind = Annotated[str, Field(pattern=NAME, examples=["whatsapp"])]
ChannelHealth = Annotated[str, Field(pattern=NAME, examples=["ok", "token_dead", "restricted"])]
ConversationState = Annotated[str, Field(pattern=NAME, examples=["open", "pending", "resolved", "snoozed"])]
ConversationPriority = Annotated[str, Field(pattern=NAME, examples=["none", "low", "medium", "high", "urgent"])]
MessageKind = Annotated[
    str, Field(pattern=NAME, examples=["text", "image", "audio", "video", "document", "location", "unknown"])
]
TemplateStatus = Annotated[str, Field(pattern=NAME, examples=["pending", "approved", "rejected", "paused"])]
BroadcastState = Annotated[
    str, Field(pattern=NAME, examples=["scheduled", "running", "paused", "completed", "cancelled"])
]
MessageStatus = Annotated[
    str, Field(pattern=NAME, examples=["queued", "unconfirmed", "sent", "failed", "delivered", "read"])
]


class OnChannel(Event):
    """Something that happens on a channel, of which only those are told who see it.

    No event of its own. `seen_by` is written by whoever lets events leave, not by whoever emits them.
    """

    seen_by: list[UUID] | None = Field(
        default=None,
        description="The users who see the channel beside owners and admins; null: everyone who works in the inbox.",
    )

    @property
    def listeners(self) -> frozenset[UUID] | None:
        """Whose browsers are told beside those of owners and admins."""
        return None if self.seen_by is None else frozenset(self.seen_by)


class ChannelConnected(OnChannel):
    """A channel was connected, or connected anew: what waited for it may leave."""

    type: ClassVar[str] = "inbox.channel.connected.v1"
    subject: ClassVar[str] = "channel_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    channel_id: UUID = Field(description="The channel; the version is the channel's.")
    kind: ChannelKind = Field(description="What it is a channel of.")


class ChannelDisconnected(OnChannel):
    """A channel was given up: nothing is received or sent through it any more."""

    type: ClassVar[str] = "inbox.channel.disconnected.v1"
    subject: ClassVar[str] = "channel_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    channel_id: UUID = Field(description="The channel; the version is the channel's.")


class ChannelHealthChanged(OnChannel):
    """The platform takes messages of a channel again, or refuses them until somebody acts; receiving goes on."""

    type: ClassVar[str] = "inbox.channel.health_changed.v1"
    subject: ClassVar[str] = "channel_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    channel_id: UUID = Field(description="The channel; the version is the channel's.")
    health: ChannelHealth = Field(description="Its health now.")
    code: str = Field(
        description="The platform's code for the reason; empty when the channel is well.", examples=["131026"]
    )


class ChannelVisibilityChanged(Event):
    """Other people see a channel and what is said on it; who they are, the inbox tells."""

    type: ClassVar[str] = "inbox.channel.visibility_changed.v1"
    subject: ClassVar[str] = "channel_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    channel_id: UUID = Field(description="The channel; the version is the channel's.")


class ConversationOpened(OnChannel):
    """The first message of a contact on a channel opened a conversation."""

    type: ClassVar[str] = "inbox.conversation.opened.v1"
    subject: ClassVar[str] = "conversation_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    conversation_id: UUID = Field(description="The conversation; the version is the conversation's.")
    channel_id: UUID = Field(description="The channel it is held on.")
    contact_id: UUID = Field(description="Whom it is held with.")


class ConversationReopened(OnChannel):
    """A message came into a conversation that was resolved or snoozed: it is open again."""

    type: ClassVar[str] = "inbox.conversation.reopened.v1"
    subject: ClassVar[str] = "conversation_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    conversation_id: UUID = Field(description="The conversation; the version is the conversation's.")
    channel_id: UUID = Field(description="The channel it is held on.")
    contact_id: UUID = Field(description="Whom it is held with.")


class ConversationChanged(OnChannel):
    """Something of a conversation changed: its state, who has it, what is unread, or one of its messages."""

    type: ClassVar[str] = "inbox.conversation.changed.v1"
    subject: ClassVar[str] = "conversation_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    conversation_id: UUID = Field(description="The conversation; the version is the conversation's.")
    state: ConversationState = Field(description="Its state now.")
    assignee_id: UUID | None = Field(default=None, description="The user who has it; null when nobody has.")
    unread_count: int = Field(description="Messages of the contact that nobody of the team has read.", examples=[2])
    team_id: UUID | None = Field(default=None, description="The team it belongs to; null when to none.")
    priority: ConversationPriority | None = Field(default=None, description="How urgent it is.")


class ConversationErased(OnChannel):
    """A conversation is gone with all that was said in it, because its contact was forgotten."""

    type: ClassVar[str] = "inbox.conversation.erased.v1"
    subject: ClassVar[str] = "conversation_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    conversation_id: UUID = Field(description="The conversation; it leads nowhere any more.")
    contact_id: UUID = Field(description="Whom it was held with.")


class ContactErased(Event):
    """A contact was forgotten: their name, identities and words are gone; whoever keeps copies deletes them, too.

    Where the organization wished so, empty rows of their conversations stay for counting.
    """

    type: ClassVar[str] = "inbox.contact.erased.v1"
    subject: ClassVar[str] = "contact_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    contact_id: UUID = Field(description="The contact; the version is the contact's.")


class ContactChanged(Event):
    """A contact has another name, or is known by more; by what, the inbox tells."""

    type: ClassVar[str] = "inbox.contact.changed.v1"
    subject: ClassVar[str] = "contact_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    contact_id: UUID = Field(description="The contact; the version is the contact's.")


class ContactsMerged(Event):
    """Two contacts are one person: the one is shown as the other, with all that was said, until this is undone."""

    type: ClassVar[str] = "inbox.contacts.merged.v1"
    subject: ClassVar[str] = "contact_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    contact_id: UUID = Field(description="The contact that is kept; the version is the contact's.")
    merged_id: UUID = Field(description="The contact that is shown as the kept one from now on.")
    merge_id: UUID = Field(description="The merge, to undo it by.")
    rule: str = Field(description="Why they are one.", examples=["same_message"])


class ContactsSeparated(Event):
    """A merge was undone: the two are shown as two again, each with what was said by and to it."""

    type: ClassVar[str] = "inbox.contacts.separated.v1"
    subject: ClassVar[str] = "contact_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    contact_id: UUID = Field(description="The contact as which both were shown; the version is the contact's.")
    separated_id: UUID = Field(description="The contact that is shown as itself again.")
    merge_id: UUID = Field(description="The merge that was undone.")


class MessageReceived(OnChannel):
    """A contact wrote; what they wrote stays in the inbox."""

    type: ClassVar[str] = "inbox.message.received.v1"
    subject: ClassVar[str] = "message_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    message_id: UUID = Field(description="The message.")
    conversation_id: UUID = Field(description="The conversation it belongs to.")
    channel_id: UUID = Field(description="The channel it came through.")
    kind: MessageKind = Field(description="What was sent; later kinds pass, too.")
    sequence: int = Field(description="Its place in the conversation by arrival.", examples=[7])
    provider_time: AwareDatetime = Field(description="When the platform says it was written.")
    conversation_version: int = Field(description="The conversation's version with this message.", examples=[12])


class MessageSent(OnChannel):
    """The platform took a message of ours."""

    type: ClassVar[str] = "inbox.message.sent.v1"
    subject: ClassVar[str] = "message_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    message_id: UUID = Field(description="The message; the version is the message's.")
    conversation_id: UUID = Field(description="The conversation it belongs to.")
    sent_at: AwareDatetime = Field(description="When the platform took it.")


class MessageStatusChanged(OnChannel):
    """The visible status of a message of ours rose; it never goes back."""

    type: ClassVar[str] = "inbox.message.status_changed.v1"
    subject: ClassVar[str] = "message_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    message_id: UUID = Field(description="The message; the version is the message's.")
    conversation_id: UUID = Field(description="The conversation it belongs to.")
    status: MessageStatus = Field(description="Its status now.")
    changed_at: AwareDatetime = Field(description="When the platform says so.")


class MessageFailed(OnChannel):
    """A message of ours was refused or could not be delivered."""

    type: ClassVar[str] = "inbox.message.failed.v1"
    subject: ClassVar[str] = "message_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    message_id: UUID = Field(description="The message; the version is the message's.")
    conversation_id: UUID = Field(description="The conversation it belongs to.")
    code: str = Field(
        description="The platform's code, or ours: window-closed, expired and others.", examples=["131026"]
    )


class MediaReady(OnChannel):
    """A picture, sound, video or document that a contact sent can be fetched."""

    type: ClassVar[str] = "inbox.media.ready.v1"
    subject: ClassVar[str] = "media_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    media_id: UUID = Field(description="The medium, at /v1/media/{media_id}.")
    message_id: UUID = Field(description="The message it belongs to.")
    conversation_id: UUID = Field(description="The conversation of the message.")


class MediaFailed(OnChannel):
    """What a contact sent could not be fetched and never will be."""

    type: ClassVar[str] = "inbox.media.failed.v1"
    subject: ClassVar[str] = "media_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    media_id: UUID = Field(description="The medium.")
    message_id: UUID = Field(description="The message it belongs to.")
    conversation_id: UUID = Field(description="The conversation of the message.")
    code: str = Field(
        description="Why: expired, too-large, wrong-checksum, or the platform's code.", examples=["131026"]
    )


class TemplateChanged(Event):
    """A template was written or submitted, or the platform has said something of it."""

    type: ClassVar[str] = "inbox.template.changed.v1"
    subject: ClassVar[str] = "template_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    template_id: UUID = Field(description="The template; the version is the template's.")
    status: TemplateStatus = Field(description="Its status now; later ones pass, too.")
    category: str = Field(description="Its category now.", pattern=NAME, examples=["utility", "marketing"])
    quality: str = Field(description="What people make of it.", pattern=NAME, examples=["green", "unknown"])


class InboxQuotaReached(Event):
    """An organization has used 80 or 100 per cent of what its plan includes of messages in a month."""

    type: ClassVar[str] = "inbox.quota.reached.v1"
    subject: ClassVar[str] = "organization_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    meter: str = Field(description="What is counted.", pattern=NAME, examples=["messages_per_month"])
    percent: int = Field(description="Which threshold was reached.", ge=1, le=100)
    used: int = Field(description="How much was used by then.", ge=0)
    allowed: int = Field(description="How much the plan includes.", ge=0)


class ArrangementChanged(Event):
    """Something that all of the organization work with was made, changed or deleted; which says its kind."""

    type: ClassVar[str] = "inbox.arrangement.changed.v1"
    subject: ClassVar[str] = "thing_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    thing_id: UUID = Field(description="The label, attribute, canned reply, macro or filter; the version is its own.")
    kind: Annotated[str, Field(pattern=NAME, examples=["label", "attribute", "canned_reply", "macro", "view"])] = (
        Field(description="What it is.")
    )
    deleted: bool = Field(default=False, description="Whether it is gone.")


class MemberMentioned(OnChannel):
    """A note of the team calls somebody; what it says stays in the inbox."""

    type: ClassVar[str] = "inbox.member.mentioned.v1"
    subject: ClassVar[str] = "note_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    note_id: UUID = Field(description="The note; the version is the note's.")
    conversation_id: UUID = Field(description="The conversation it stands in.")
    user_id: UUID = Field(description="Whom it calls.")
    by: UUID = Field(description="The user who wrote it.")


class MemberMentionedOnContact(Event):
    """A note about a contact calls somebody; what it says stays in the inbox."""

    type: ClassVar[str] = "inbox.member.mentioned_on_contact.v1"
    subject: ClassVar[str] = "note_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    note_id: UUID = Field(description="The note; the version is the note's.")
    contact_id: UUID = Field(description="About whom it is.")
    user_id: UUID = Field(description="Whom it calls.")
    by: UUID = Field(description="The user who wrote it.")


class BroadcastChanged(Event):
    """A broadcast began, rests, goes on or has ended; with a reason where nobody of the team has decided that."""

    type: ClassVar[str] = "inbox.broadcast.changed.v1"
    subject: ClassVar[str] = "broadcast_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    broadcast_id: UUID = Field(description="The broadcast; the version is the broadcast's.")
    state: BroadcastState = Field(description="Its state now.")
    reason: str = Field(default="", description="Why it was paused, as a code.", examples=["template:paused"])


class BroadcastProgressed(Event):
    """How far a broadcast has come; told at most once a second while it runs."""

    type: ClassVar[str] = "inbox.broadcast.progressed.v1"
    subject: ClassVar[str] = "broadcast_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = WORKERS

    broadcast_id: UUID = Field(description="The broadcast; the version is the broadcast's.")
    total: int = Field(description="Recipients.")
    waiting: int = Field(description="Those to whom it has not left.")
    unknown: int = Field(description="Those of whom nobody knows yet whether it has left.")
    sent: int = Field(description="Those whose message the platform has taken.")
    delivered: int = Field(description="Of these, those who have it.")
    read: int = Field(description="Of these, those who have read it.")
    failed: int = Field(description="Those who did not get it.")
    skipped: int = Field(description="Those who were not to get it.")


class InboxAuditRecorded(AuditEntry):
    """Something about channels, conversations or contacts was done that the audit trail keeps."""

    type: ClassVar[str] = "inbox.audit.recorded.v1"


class InboxExportPartReady(AnswersExport):
    """The part of inbox in an export of a person's data is handed over."""

    type: ClassVar[str] = "inbox.export.part_ready.v1"


class InboxErasureAnswered(AnswersErasure):
    """What became of what inbox kept about a person who is to be forgotten."""

    type: ClassVar[str] = "inbox.erasure.answered.v1"
