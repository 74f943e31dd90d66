from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, JsonValue, NaiveDatetime

from kit.http.models import Model, Out
from postrules.drafts import Kind as PostKind
from postrules.drafts import Privacy
from postrules.limits import Platform
from publisher.deliveries.model import Shown, Step, Tried
from publisher.posts.content import NOTHING_MORE, Content, MediaUse, Part
from publisher.posts.model import Changes, PostStatus, Target, Unset
from publisher.posts.view import PostView
from publisher.posts.when import InQueue, WallClock, When, instant


def as_text(value: object) -> object:
    """Refuse what is no text where a time is wanted: a number is not one."""
    if not isinstance(value, str):
        raise ValueError("This must be a date and time (RFC 3339).")  # noqa: TRY004 - pydantic reads ValueError
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("This time is out of reach.") from error


Text = Annotated[str, Field(max_length=65_536)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Instant = Annotated[Moment, BeforeValidator(as_text)]
Targets = Annotated[list[UUID], Field(max_length=50, description="Accounts, by id.")]


class LocalTime(Model):
    """A time as a clock on the wall shows it."""

    local: Annotated[NaiveDatetime, BeforeValidator(as_text)] = Field(examples=["2026-11-21T09:00"])
    zone: str = Field(max_length=64, examples=["Europe/Berlin"])
    fold: Literal[0, 1] = Field(0, description="Which one, where clocks show this time twice; the first is 0.")


class QueueSlot(Model):
    """The next free slot of a queue."""

    queue: UUID


PublishAt = Instant | LocalTime | QueueSlot | Literal["now"] | None


class MediaIn(Model):
    """A picture or video in a post."""

    media_id: UUID
    alt: str = Field("", max_length=1500, description="What it shows, for those who do not see it.")

    def use(self) -> MediaUse:
        """What is meant."""
        return MediaUse(self.media_id, self.alt)


class PartIn(Model):
    """What follows a post in its thread."""

    text: Text
    media: Annotated[list[MediaIn], Field(max_length=35)] = Field(default_factory=list)


Option = Annotated[str, Field(max_length=500)] | bool


def _known_options(options: dict[str, str | bool]) -> dict[str, str | bool]:
    privacy = options.get("privacy", Privacy.PUBLIC)
    if privacy not in {each.value for each in Privacy}:
        raise ValueError(f"privacy must be one of: {', '.join(Privacy)}.")
    for name in ("ai_label", "made_for_kids"):
        if not isinstance(options.get(name, False), bool):
            raise ValueError(f"{name} must be true or false.")  # noqa: TRY004 - pydantic reads ValueError
    if not isinstance(options.get("tags", ""), str):
        raise ValueError("tags must be a text with commas between them.")  # noqa: TRY004 - pydantic reads ValueError
    return options


class ContentIn(Model):
    """What a post is besides its text.

    Options are the platforms' own, by name: `privacy` (who may see it), `ai_label`, `made_for_kids`, `tags` (with
    commas between them), and others that one platform has.
    """

    kind: PostKind = PostKind.POST
    title: str = Field("", max_length=300)
    link: str = Field("", max_length=2048, pattern=r"^(https?://[^\s]+)?$")
    media: Annotated[list[MediaIn], Field(max_length=35)] = Field(default_factory=list)
    first_comment: str = Field("", max_length=10_000)
    parts: Annotated[list[PartIn], Field(max_length=100)] = Field(default_factory=list)
    cover: UUID | None = Field(
        None, description="A picture that stands for a film in lists, where that can be chosen."
    )
    options: Annotated[
        dict[Annotated[str, Field(max_length=50, pattern=r"^[a-z_]+$")], Option],
        Field(max_length=30),
        AfterValidator(_known_options),
    ] = Field(default_factory=dict)

    def content(self) -> Content:
        """What is meant."""
        return Content(
            kind=self.kind,
            title=self.title,
            link=self.link,
            media=tuple(each.use() for each in self.media),
            first_comment=self.first_comment,
            parts=tuple(Part(each.text, tuple(use.use() for use in each.media)) for each in self.parts),
            cover=self.cover,
            options=self.options,
        )

    @classmethod
    def of(cls, content: Content) -> Self:
        """As it is shown."""
        return cls.model_validate(content.stored())


class VariantIn(Model):
    """What is different on one account; what is left out is as in the post."""

    text: Text | None = None
    content: ContentIn | None = Field(None, description="Only the fields that differ; options as a whole.")

    def target(self, account_id: UUID) -> Target:
        """What is meant."""
        different = {} if self.content is None else self.content.model_dump(mode="json", exclude_unset=True)
        return Target(account_id, self.text, different)


Overrides = Annotated[
    dict[UUID, Text | VariantIn],
    Field(max_length=50, description="What is different there, by account id; a text alone is said there instead."),
]


class Composing(Model):
    """A post, and the accounts it is for."""

    text: Text
    content: ContentIn | None = None
    targets: Targets = Field(default_factory=list)
    overrides: Overrides = Field(default_factory=dict)

    def wanted(self) -> Changes:
        """What this asks for; as a draft."""
        content = NOTHING_MORE if self.content is None else self.content.content()
        return Changes(self.text, _targets(self.targets, self.overrides), None, content)


class WritePost(Composing):
    """A post and when it leaves: an instant, a local time in a zone, `now`, or null for a draft."""

    publish_at: PublishAt = None

    def changes(self, now: datetime) -> Changes:
        """What this asks for."""
        return replace(self.wanted(), when=when_of(self.publish_at, now))


class ChangePost(Model):
    """What is to be changed; what is left out stays. Targets and overrides are replaced together."""

    text: Text | None = None
    content: ContentIn | None = None
    targets: Targets | None = None
    overrides: Overrides | None = None
    publish_at: PublishAt = None

    def changes(self, now: datetime) -> Changes:
        """What this asks for."""
        given = self.model_fields_set
        return Changes(
            Unset if self.text is None else self.text,
            Unset if self.targets is None else _targets(self.targets, self.overrides or {}),
            when_of(self.publish_at, now) if "publish_at" in given else Unset,
            Unset if self.content is None else self.content.content(),
        )


class SchedulePost(Model):
    """When a draft leaves."""

    publish_at: Instant | LocalTime | QueueSlot | Literal["now"]


class ResolveDelivery(Model):
    """What a person found out about a delivery that nobody could confirm."""

    outcome: Literal["published", "not_published"]
    url: str | None = Field(None, max_length=500, description="Where it is live, if it is.")


def when_of(publish_at: PublishAt, now: datetime) -> When | InQueue | None:
    """The time that is meant.

    Raises:
        TimeNotAcceptable: clocks skip it, or the zone is not known.
    """
    match publish_at:
        case None:
            return None
        case "now":
            return When(now)
        case datetime():
            return When(publish_at)
        case QueueSlot():
            return InQueue(publish_at.queue)
        case LocalTime():
            wall = WallClock(publish_at.local, publish_at.zone, publish_at.fold)
            return When(instant(wall), wall)


def _targets(targets: list[UUID], overrides: dict[UUID, str | VariantIn]) -> tuple[Target, ...]:
    return tuple(_target(account_id, overrides.get(account_id)) for account_id in dict.fromkeys(targets))


def _target(account_id: UUID, override: str | VariantIn | None) -> Target:
    return override.target(account_id) if isinstance(override, VariantIn) else Target(account_id, override)


class AttemptOut(Out):
    """One call or look."""

    step: Literal["post", "processing", "finalize", "part", "comment", "cover", "removal"] = Field(
        description="Of what: the first call, the platform's processing, going on with it, or what follows the post."
    )
    part: int = Field(description="Of which part of the thread; the post itself is 0.")
    number: int
    what: Literal["call", "look"]
    started_at: datetime
    seconds: float
    outcome: str
    code: str
    said: str = Field(description="The platform's words, cut and without secrets.")


class StepOut(Out):
    """What follows a post on one account: a part of its thread, its first comment, its cover, taking it down."""

    id: UUID
    what: Literal["part", "comment", "cover", "removal"]
    part: int = Field(description="Which part of the thread; the post itself is 0.")
    status: Literal["scheduled", "processing", "done", "failed", "checking", "unconfirmed", "cancelled"]
    external_id: str | None
    url: str | None
    reason: str | None = Field(description="Why it waits or failed, in plain words.")
    code: str | None
    next_at: datetime | None = Field(description="When it is tried next, at the earliest; null when it is not.")

    @classmethod
    def of(cls, step: Step) -> Self:
        """The step as it is now."""
        return cls.model_validate(
            {
                "id": step.id,
                "what": step.what.value,
                "part": step.part,
                "status": "done" if step.status is PostStatus.PUBLISHED else step.status.value,
                "external_id": step.external_id,
                "url": step.url,
                "reason": step.reason or None,
                "code": step.code or None,
                "next_at": step.waits.next_at,
            }
        )


class DeliveryOut(Out):
    """The way of a post to one account."""

    id: UUID
    account_id: UUID
    platform: Platform
    status: PostStatus
    text: str | None = Field(description="What is said there instead of the post's own text.")
    content: dict[str, JsonValue] | None = Field(description="The fields of the content that are others there.")
    url: str | None = Field(description="Where it is live.")
    external_id: str | None
    reason: str | None = Field(description="Why it waits or failed, in plain words.")
    code: str | None = Field(description="Why, as a name for programs.")
    next_at: datetime | None = Field(description="When it is tried next, at the earliest; null when it is not.")
    published_at: datetime | None
    resolved_by: UUID | None = Field(description="Who decided on it; null also once they were forgotten.")
    attempts: int
    steps: list[StepOut] = Field(description="What follows the post there: parts, first comment, cover, removal.")
    tried: list[AttemptOut] = Field(description="What was tried, oldest first; only where one post is read.")
    version: int

    @classmethod
    def of(cls, shown: Shown) -> Self:
        """The delivery as it is now."""
        delivery = shown.delivery
        return cls(
            id=delivery.id,
            account_id=delivery.account_id,
            platform=delivery.platform,
            status=shown.status,
            text=delivery.text,
            content=None if delivery.different is None else dict(delivery.different),
            url=delivery.url,
            external_id=delivery.external_id,
            reason=shown.reason or None,
            code=shown.code or None,
            next_at=shown.next_at,
            published_at=delivery.published_at,
            resolved_by=delivery.resolved_by,
            attempts=0 if shown.state is None else shown.state.attempt,
            steps=[StepOut.of(each) for each in shown.steps],
            tried=[_tried(each) for each in shown.tried],
            version=delivery.version,
        )


def _tried(tried: Tried) -> AttemptOut:
    about = {"step": "post" if tried.what is None else tried.what.value, "part": tried.part}
    return AttemptOut.model_validate(about | asdict(tried.attempt))


class PostOut(Out):
    """A post and what became of it on each account."""

    id: UUID
    text: str
    content: ContentIn
    status: PostStatus
    publish_at: datetime | None
    local: datetime | None = Field(description="The wall clock by which the time was chosen, if it was.")
    zone: str | None
    fold: int | None
    queue_id: UUID | None = Field(description="The queue whose slot its time is.")
    created_by: UUID | None = Field(description="Who wrote it; null once they were forgotten.")
    created_at: datetime
    changed_at: datetime
    version: int
    deliveries: list[DeliveryOut]

    @classmethod
    def of(cls, view: PostView) -> Self:
        """The post as it is now."""
        post = view.post
        wall = post.when.wall_clock if post.when else None
        return cls(
            id=post.id,
            text=post.text,
            content=ContentIn.of(post.content),
            status=view.status,
            publish_at=post.when.at if post.when else None,
            local=wall.local if wall else None,
            zone=wall.zone if wall else None,
            fold=wall.fold if wall else None,
            queue_id=post.queue_id,
            created_by=post.created_by,
            created_at=post.created_at,
            changed_at=post.changed_at,
            version=post.version,
            deliveries=[DeliveryOut.of(each) for each in view.deliveries],
        )
