from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, NaiveDatetime

from kit.http.models import Model, Out
from publisher.posts.content import NOTHING_MORE
from publisher.posts.schemas import Composing, ContentIn, as_text
from publisher.posts.when import zones
from publisher.recurrences.errors import RuleNotAcceptable
from publisher.recurrences.model import Occurrence, Recurrence, Template
from publisher.recurrences.rules import Rule
from publisher.recurrences.service import Following

Local = Annotated[NaiveDatetime, BeforeValidator(as_text)]
RuleText = Annotated[
    str,
    Field(
        min_length=6,
        max_length=300,
        description="FREQ (DAILY and rarer), INTERVAL, BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS, WKST, COUNT or UNTIL.",
        examples=["FREQ=WEEKLY;BYDAY=MO,TH;COUNT=20"],
    ),
]


class Starts(Model):
    """The first time that may count, by the clocks of a zone."""

    local: Local = Field(examples=["2026-12-07T09:00"])
    zone: str = Field(max_length=64, examples=["Europe/Berlin"])


class LetRecur(Composing):
    """A post that recurs by a rule of RFC 5545 (a part of them)."""

    rule: RuleText
    starts: Starts

    def read(self) -> Rule:
        """The rule that is meant.

        Raises:
            RuleNotAcceptable: it is not known, or the zone is not.
        """
        if self.starts.zone not in zones():
            raise RuleNotAcceptable.of("This zone is not known; use a name such as Europe/Berlin.", "#/starts/zone")
        return Rule.read(self.rule, self.starts.local.replace(microsecond=0), self.starts.zone)

    def template(self) -> Template:
        """What is said each time."""
        return _template(self)


class ChangeFollowing(Model):
    """What is to be others from a time on; what is left out stays. The post is replaced as a whole."""

    since: Local | None = Field(
        None, description="The first time that is another; the next one, where it is missing."
    )
    rule: RuleText | None = None
    starts: Local | None = Field(None, description="The first time that may count by the new rule.")
    post: Composing | None = None

    def following(self) -> Following:
        """What is meant."""
        return Following(self.since, self.rule, self.starts, None if self.post is None else _template(self.post))


def _template(post: Composing) -> Template:
    wanted = post.wanted()
    content = NOTHING_MORE if post.content is None else post.content.content()
    if not isinstance(wanted.text, str) or not isinstance(wanted.targets, tuple):
        raise TypeError("a post says its text and accounts")
    return Template(wanted.text, content, wanted.targets)


class RecurrenceOut(Out):
    """A post that recurs."""

    id: UUID
    rule: str
    starts: datetime = Field(description="By the clocks of the zone.")
    zone: str
    text: str
    content: ContentIn
    accounts: list[UUID]
    ended: bool
    created_by: UUID | None = Field(description="Null once they were forgotten.")
    created_at: datetime
    changed_at: datetime
    version: int

    @classmethod
    def of(cls, recurrence: Recurrence) -> Self:
        """As it is now."""
        return cls(
            id=recurrence.id,
            rule=recurrence.rule.written,
            starts=recurrence.rule.starts,
            zone=recurrence.rule.zone,
            text=recurrence.template.text,
            content=ContentIn.of(recurrence.template.content),
            accounts=[each.account_id for each in recurrence.template.targets],
            ended=recurrence.ended,
            created_by=recurrence.created_by,
            created_at=recurrence.created_at,
            changed_at=recurrence.changed_at,
            version=recurrence.version,
        )


class OccurrenceOut(Out):
    """One time, and what became of it."""

    local: datetime
    publish_at: datetime
    fate: Literal["planned", "refused", "missed"]
    post_id: UUID | None
    reason: str

    @classmethod
    def of(cls, occurrence: Occurrence) -> Self:
        """As it is now."""
        return cls(
            local=occurrence.local,
            publish_at=occurrence.at,
            fate=occurrence.fate,
            post_id=occurrence.post_id,
            reason=occurrence.reason,
        )
