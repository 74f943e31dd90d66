from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, NaiveDatetime

from kit.http.models import Model, Out
from kit.ledger.model import Attempt
from postrules.limits import Platform
from publisher.deliveries.model import Shown
from publisher.posts.model import Changes, PostStatus, Target, Unset
from publisher.posts.view import PostView
from publisher.posts.when import WallClock, When, instant


def _as_text(value: object) -> object:
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
Instant = Annotated[Moment, BeforeValidator(_as_text)]
Targets = Annotated[list[UUID], Field(max_length=50, description="Accounts, by id.")]
Overrides = Annotated[
    dict[UUID, Text], Field(max_length=50, description="What is said there instead, by account id.")
]


class LocalTime(Model):
    """A time as a clock on the wall shows it."""

    local: Annotated[NaiveDatetime, BeforeValidator(_as_text)] = Field(examples=["2026-11-21T09:00"])
    zone: str = Field(max_length=64, examples=["Europe/Berlin"])
    fold: Literal[0, 1] = Field(0, description="Which one, where clocks show this time twice; the first is 0.")


PublishAt = Instant | LocalTime | Literal["now"] | None


class WritePost(Model):
    """A post and when it leaves: an instant, a local time in a zone, `now`, or null for a draft."""

    text: Text
    targets: Targets = Field(default_factory=list)
    overrides: Overrides = Field(default_factory=dict)
    publish_at: PublishAt = None

    def changes(self, now: datetime) -> Changes:
        """What this asks for."""
        return Changes(self.text, _targets(self.targets, self.overrides), when_of(self.publish_at, now))


class ChangePost(Model):
    """What is to be changed; what is left out stays. Targets and overrides are replaced together."""

    text: Text | None = None
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
        )


class SchedulePost(Model):
    """When a draft leaves."""

    publish_at: Instant | LocalTime | Literal["now"]


class ResolveDelivery(Model):
    """What a person found out about a delivery that nobody could confirm."""

    outcome: Literal["published", "not_published"]
    url: str | None = Field(None, max_length=500, description="Where it is live, if it is.")


def when_of(publish_at: PublishAt, now: datetime) -> When | None:
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
        case LocalTime():
            wall = WallClock(publish_at.local, publish_at.zone, publish_at.fold)
            return When(instant(wall), wall)


def _targets(targets: list[UUID], overrides: dict[UUID, str]) -> tuple[Target, ...]:
    return tuple(Target(account_id, overrides.get(account_id)) for account_id in dict.fromkeys(targets))


class AttemptOut(Out):
    """One call or look."""

    number: int
    what: Literal["call", "look"]
    started_at: datetime
    seconds: float
    outcome: str
    code: str
    said: str = Field(description="The platform's words, cut and without secrets.")


class DeliveryOut(Out):
    """The way of a post to one account."""

    id: UUID
    account_id: UUID
    platform: Platform
    status: PostStatus
    text: str | None = Field(description="What is said there instead of the post's own text.")
    url: str | None = Field(description="Where it is live.")
    external_id: str | None
    reason: str | None = Field(description="Why it waits or failed, in plain words.")
    code: str | None = Field(description="Why, as a name for programs.")
    next_at: datetime | None = Field(description="When it is tried next, at the earliest; null when it is not.")
    published_at: datetime | None
    resolved_by: UUID | None = Field(description="Who decided on it; null also once they were forgotten.")
    attempts: int
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
            url=delivery.url,
            external_id=delivery.external_id,
            reason=shown.reason or None,
            code=delivery.code or None,
            next_at=shown.next_at,
            published_at=delivery.published_at,
            resolved_by=delivery.resolved_by,
            attempts=0 if shown.state is None else shown.state.attempt,
            tried=[_attempt(each) for each in shown.attempts],
            version=delivery.version,
        )


def _attempt(attempt: Attempt) -> AttemptOut:
    return AttemptOut.model_validate(attempt)


class PostOut(Out):
    """A post and what became of it on each account."""

    id: UUID
    text: str
    status: PostStatus
    publish_at: datetime | None
    local: datetime | None = Field(description="The wall clock by which the time was chosen, if it was.")
    zone: str | None
    fold: int | None
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
            status=view.status,
            publish_at=post.when.at if post.when else None,
            local=wall.local if wall else None,
            zone=wall.zone if wall else None,
            fold=wall.fold if wall else None,
            created_by=post.created_by,
            created_at=post.created_at,
            changed_at=post.changed_at,
            version=post.version,
            deliveries=[DeliveryOut.of(each) for each in view.deliveries],
        )
