from collections.abc import Sequence
from typing import Literal, Self
from uuid import UUID

from pydantic import Field

from kit.http.models import Out
from postrules.drafts import Kind
from postrules.limits import Platform
from postrules.previews import Part
from publisher.posts.checking import Fault
from publisher.posts.previewing import Shown


class FindingOut(Out):
    """One thing that the platform would refuse, or (where it does not block) would do otherwise than meant."""

    account_id: UUID
    platform: Platform
    pointer: str = Field(description="Where it stands in the request, as a URI fragment.")
    field: str = Field(description="Which field of the post is meant, such as media/2/alt.")
    media: int | None = Field(description="Which picture or video, from 0.")
    rule: str = Field(description="The name of the rule; see the reference of platform limits.")
    limit: float | bool | list[str] | None
    actual: float | str | None
    unit: str | None
    blocks: bool
    detail: str
    fix: str

    @classmethod
    def of(cls, fault: Fault) -> Self:
        """The finding as it is told."""
        return cls.model_validate(fault.told())


class PartOut(Out):
    """One text as people would see it, and how much of its limit it takes."""

    text: str
    length: int
    limit: int
    left: int = Field(description="How much more may be written; negative when it is too long.")
    unit: Literal["weighted", "graphemes", "utf16_units", "emoji_bytes", "bytes", "code_points"]
    fold: int | None = Field(description="The code point before which people meet “more”; null where they do not.")

    @classmethod
    def of(cls, part: Part) -> Self:
        """The text with its counter."""
        counter = part.counter
        return cls.model_validate(
            {
                "text": part.text,
                "length": counter.length,
                "limit": counter.limit,
                "left": counter.left,
                "unit": counter.unit,
                "fold": part.fold,
            }
        )


def _part(part: Part | None) -> PartOut | None:
    return None if part is None else PartOut.of(part)


class PreviewOut(Out):
    """A post as one account would get it."""

    account_id: UUID
    platform: Platform
    ready: bool = Field(description="Whether the platform would take it as it is.")
    kind: Kind = Field(description="What it would be published as.")
    findings: list[FindingOut]
    parts: list[PartOut] = Field(description="The text, and the further parts of a thread.")
    title: PartOut | None
    first_comment: PartOut | None
    proposal: list[PartOut] = Field(description="Parts into which a text that is too long could be cut.")
    card: str | None = Field(description="The link of which a card would be shown.")
    links: list[str]
    hashtags: list[str]
    mentions: list[str]
    cashtags: list[str]

    @classmethod
    def of(cls, shown: Shown) -> Self:
        """The post on one account."""
        seen = shown.preview
        return cls(
            account_id=shown.variant.account.id,
            platform=shown.variant.account.platform,
            ready=shown.ready,
            kind=seen.kind,
            findings=[FindingOut.of(fault) for fault in shown.faults],
            parts=[PartOut.of(part) for part in seen.parts],
            title=_part(seen.title),
            first_comment=_part(seen.first_comment),
            proposal=[PartOut.of(part) for part in seen.proposal],
            card=seen.card,
            links=list(seen.links),
            hashtags=list(seen.hashtags),
            mentions=list(seen.mentions),
            cashtags=list(seen.cashtags),
        )


class PreviewsOut(Out):
    """A post on each of its accounts."""

    previews: list[PreviewOut]

    @classmethod
    def of(cls, shown: Sequence[Shown]) -> Self:
        """All of them."""
        return cls(previews=[PreviewOut.of(each) for each in shown])
