"""What the publisher says: connected accounts, posts on their way to platforms, and partner queues.

A post goes to several accounts; each way is a delivery of its own, and what became of it is said per delivery.
"""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.audit import AuditEntry
from contracts.event import SEALED, Audience, Event
from contracts.names import NAME, TEAM
from contracts.privacy import AnswersErasure, AnswersExport

AccountHealth = Annotated[str, Field(pattern=NAME, examples=["connected", "expiring", "reconnect_needed"])]


class AccountConnected(Event):
    """An account on a platform was connected, or connected anew: what waited for it may leave."""

    type: ClassVar[str] = "publisher.account.connected.v1"
    subject: ClassVar[str] = "account_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    account_id: UUID = Field(description="The connected account; the version is the account's.")
    platform: str = Field(description="The platform it is on.", pattern=NAME, examples=["linkedin"])


class AccountDisconnected(Event):
    """An account was disconnected and its tokens forgotten; posts that have not left wait for it."""

    type: ClassVar[str] = "publisher.account.disconnected.v1"
    subject: ClassVar[str] = "account_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    account_id: UUID = Field(description="The account; the version is the account's.")
    platform: str = Field(description="The platform it is on.", pattern=NAME, examples=["linkedin"])
    waiting: int = Field(ge=0, description="How many posts wait for it.")


class AccountHealthChanged(Event):
    """An account can be published to again, will soon not be any more, or is not until somebody reconnects it."""

    type: ClassVar[str] = "publisher.account.health_changed.v1"
    subject: ClassVar[str] = "account_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    account_id: UUID = Field(description="The account; the version is the account's.")
    platform: str = Field(description="The platform it is on.", pattern=NAME, examples=["linkedin"])
    health: AccountHealth = Field(description="Its health now.")


class PostScheduled(Event):
    """A post will be published at a time; a post to be published now has the present as its time."""

    type: ClassVar[str] = "publisher.post.scheduled.v1"
    subject: ClassVar[str] = "post_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    post_id: UUID = Field(description="The post; the version is the post's.")
    publish_at: AwareDatetime = Field(description="When it is to leave.")


class PostRescheduled(Event):
    """A post that has not left was given another time."""

    type: ClassVar[str] = "publisher.post.rescheduled.v1"
    subject: ClassVar[str] = "post_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    post_id: UUID = Field(description="The post; the version is the post's.")
    publish_at: AwareDatetime = Field(description="When it is to leave now.")


class PostCancelled(Event):
    """What had not left of a post was withdrawn."""

    type: ClassVar[str] = "publisher.post.cancelled.v1"
    subject: ClassVar[str] = "post_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    post_id: UUID = Field(description="The post; the version is the post's.")
    cancelled: int = Field(ge=0, description="How many of its deliveries were withdrawn.")
    left: int = Field(ge=0, description="How many may have left before and were not.")


class PostPublished(Event):
    """A post is live on one account of a platform.

    Emitted once per delivery, after the platform has confirmed it, the platform was seen to have it, or a person said
    that it does.
    """

    type: ClassVar[str] = "publisher.post.published.v1"
    subject: ClassVar[str] = "delivery_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    post_id: UUID = Field(description="The post.")
    delivery_id: UUID = Field(description="Its way to this account; the version is the delivery's.")
    account_id: UUID = Field(description="The account it is live on.")
    platform: str = Field(description="The platform of the account.", pattern=NAME, examples=["linkedin"])
    external_id: str | None = Field(
        None,
        max_length=200,
        description="The platform's id of it, where it is known.",
        examples=["urn:li:share:7250000000000000000"],
    )
    published_at: AwareDatetime = Field(description="When that became known.")


class PostFailed(Event):
    """A post will not be live on one account: the platform refused it, or its time ran out."""

    type: ClassVar[str] = "publisher.post.failed.v1"
    subject: ClassVar[str] = "delivery_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    post_id: UUID = Field(description="The post.")
    delivery_id: UUID = Field(description="Its way to this account; the version is the delivery's.")
    account_id: UUID = Field(description="The account it was for.")
    platform: str = Field(description="The platform of the account.", pattern=NAME, examples=["linkedin"])
    code: str = Field(max_length=100, description="Why, as a name for programs.", examples=["duplicate"])


class PostUnconfirmed(Event):
    """Nobody can tell whether a post is live on one account: a person must look; it is never sent again by itself."""

    type: ClassVar[str] = "publisher.post.unconfirmed.v1"
    subject: ClassVar[str] = "delivery_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    post_id: UUID = Field(description="The post.")
    delivery_id: UUID = Field(description="Its way to this account; the version is the delivery's.")
    account_id: UUID = Field(description="The account it was for.")
    platform: str = Field(description="The platform of the account.", pattern=NAME, examples=["linkedin"])


class PostEngaged(Event):
    """People reacted to, commented on or shared what was published; the counts are those the platform told us of."""

    type: ClassVar[str] = "publisher.post.engaged.v1"
    subject: ClassVar[str] = "delivery_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    post_id: UUID = Field(description="The post.")
    delivery_id: UUID = Field(description="Its way to this account; the version counts the changes of these figures.")
    reactions: int = Field(ge=0, description="Reactions so far.")
    comments: int = Field(ge=0, description="Comments so far, without deleted ones.")
    shares: int = Field(ge=0, description="Shares so far.")


class UploadAccepted(Event):
    """What was uploaded was looked at and can be used in posts."""

    type: ClassVar[str] = "publisher.upload.accepted.v1"
    subject: ClassVar[str] = "media_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    media_id: UUID = Field(description="The medium, at /v1/library/{media_id}; the version is its.")
    kind: str = Field(description="What it is.", pattern=NAME, examples=["image", "video", "document"])


class UploadRefused(Event):
    """What was uploaded was looked at and is not taken."""

    type: ClassVar[str] = "publisher.upload.refused.v1"
    subject: ClassVar[str] = "media_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    media_id: UUID = Field(description="The medium, which tells why; the version is its.")
    code: str = Field(description="Why, as a word.", max_length=100, examples=["type-mismatch", "truncated"])


class PublishingStopped(Event):
    """Nothing leaves for an account, or for any of the organization's, until a person lifts that."""

    type: ClassVar[str] = "publisher.publishing.stopped.v1"
    subject: ClassVar[str] = "stop_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    stop_id: UUID = Field(description="The stop; the version is its own.")
    account_id: UUID | None = Field(None, description="The account; null for all of them, also later ones.")


class PublishingResumed(Event):
    """A stop was lifted; what came due meanwhile leaves at a distance from each other, or was cancelled."""

    type: ClassVar[str] = "publisher.publishing.resumed.v1"
    subject: ClassVar[str] = "stop_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    stop_id: UUID = Field(description="The stop; the version is its own.")
    account_id: UUID | None = Field(None, description="The account; null for all of them.")
    overdue: Literal["spread", "cancel"] = Field(description="What is done with what came due meanwhile.")
    affected: int = Field(ge=0, description="How many deliveries had come due.")


class QuotaReached(Event):
    """An organization has used 80 or 100 per cent of what its plan includes of posts in a month."""

    type: ClassVar[str] = "publisher.quota.reached.v1"
    subject: ClassVar[str] = "organization_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    meter: str = Field(description="What is counted.", pattern=NAME, examples=["posts_per_month"])
    percent: int = Field(description="Which threshold was reached.", ge=1, le=100)
    used: int = Field(description="How much was used by then.", ge=0)
    allowed: int = Field(description="How much the plan includes.", ge=0)


class PartnerQueueOpened(Event):
    """An organization's partner queue exists; events for partners reach it from now on."""

    type: ClassVar[str] = "publisher.partner_queue.opened.v1"
    subject: ClassVar[str] = "organization_id"
    audience: ClassVar[Audience] = "partners"


class PartnerQueueClosed(Event):
    """An organization's partner queue was taken down with whatever was still in it."""

    type: ClassVar[str] = "publisher.partner_queue.closed.v1"
    subject: ClassVar[str] = "organization_id"
    audience: ClassVar[Audience] = "partners"


class DraftWritten(Event):
    """Texts that were handed over have become a draft."""

    type: ClassVar[str] = "publisher.draft.written.v1"
    subject: ClassVar[str] = "post_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    post_id: UUID = Field(description="The draft; the version is the post's.")


class DraftRefused(Event):
    """Texts that were handed over could not become a draft."""

    type: ClassVar[str] = "publisher.draft.refused.v1"
    subject: ClassVar[str] = "post_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    post_id: UUID = Field(description="What the draft would have been called.")
    reason: str = Field(description="Why, as a name.", pattern=r"^[a-z0-9][a-z0-9-]{0,99}$", examples=["no-account"])


class SamplesHandedOver(Event):
    """The latest published posts of an organization, for whoever learns from them how it writes."""

    type: ClassVar[str] = "publisher.samples.handed_over.v1"
    subject: ClassVar[str] = "sample_id"
    audience: ClassVar[Audience] = "internal"

    sample_id: UUID = Field(description="For what they were asked.")
    posts: int = Field(description="How many they are.", ge=0, le=100)
    texts: str = Field(
        description="Their texts, JSON sealed under the organization's key for the sample's place, base64.",
        examples=["c2VhbGVk"],
        json_schema_extra=SEALED,
    )


class PublisherAuditRecorded(AuditEntry):
    """Something about connected accounts, posts or partners was done that the audit trail keeps."""

    type: ClassVar[str] = "publisher.audit.recorded.v1"


class PublisherExportPartReady(AnswersExport):
    """The part of publisher in an export of a person's data is handed over."""

    type: ClassVar[str] = "publisher.export.part_ready.v1"


class PublisherErasureAnswered(AnswersErasure):
    """What became of what publisher kept about a person who is to be forgotten."""

    type: ClassVar[str] = "publisher.erasure.answered.v1"
