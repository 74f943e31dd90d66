"""A post as each of its accounts will get it: what is the same everywhere, with what is different there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from kit.db.database import Transaction
from postrules.drafts import Draft, Media, Part, Privacy
from postrules.limits import Platform as PlatformName
from publisher.accounts.model import Account
from publisher.budgets.repository import BudgetRepository
from publisher.media.fitting import Shape, shape_for
from publisher.media.source import MediaSource
from publisher.platforms.base import Bounds, MediaItem
from publisher.posts.content import Content, MediaUse
from publisher.posts.model import Target
from publisher.renditions.model import Need

ANYTHING: Final = Bounds()
_FIELDS: Final = {
    "kind": "kind",
    "title": "title",
    "link": "link",
    "media": "media",
    "first_comment": "first_comment",
    "thread": "parts",
    "privacy": "options/privacy",
    "ai_label": "options/ai_label",
    "made_for_kids": "options/made_for_kids",
    "tags": "options/tags",
    "cover": "cover",
}
"""Where a field of a draft stands in the content of a post."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A post as one account gets it, with those of its pictures and videos that there are."""

    target: Target
    account: Account
    text: str
    content: Content
    media: Mapping[UUID, MediaItem]
    bounds: Bounds = ANYTHING

    @property
    def draft(self) -> Draft:
        """What the platform's rules are asked about."""
        options = self.content.options
        kids, privacy = options.get("made_for_kids"), options.get("privacy")
        return Draft(
            platform=self.account.platform,
            text=self.text,
            kind=self.content.kind,
            title=self.content.title,
            link=self.content.link,
            thread=tuple(Part(part.text, self._media(part.media)) for part in self.content.parts),
            first_comment=self.content.first_comment,
            media=self._media(self.content.media),
            privacy=Privacy(privacy) if privacy in set(Privacy) else None,
            ai_label=options.get("ai_label") is True,
            made_for_kids=kids if isinstance(kids, bool) else None,
            tags=tuple(tag.strip() for tag in str(options.get("tags") or "").split(",") if tag.strip()),
            account=self.account.kind.value,
            cover=self._cover,
        )

    @property
    def _cover(self) -> Media | None:
        item = self.media.get(self.content.cover) if self.content.cover else None
        return None if item is None else _known(MediaUse(item.media_id), item)

    def pointer(self, place: str) -> str:
        """Where a place in the draft (a JSON Pointer) stands in the body of the request."""
        name, _, rest = place.removeprefix("/").partition("/")
        own = f"#/overrides/{self.target.account_id}"
        if name == "text":
            return "#/text" if self.target.text is None else own if self.target.different is None else f"{own}/text"
        there = _FIELDS[name] + (f"/{rest}" if rest else "")
        differs = there.split("/", maxsplit=1)[0] in (self.target.different or {})
        return f"{own}/content/{there}" if differs else f"#/content/{there}"

    def _media(self, uses: Sequence[MediaUse]) -> tuple[Media, ...]:
        return tuple(_known(use, self.media[use.media_id]) for use in uses if use.media_id in self.media)


@dataclass(frozen=True, slots=True)
class Composed:
    """A post as it is to be, for accounts of which some may not be there."""

    text: str
    content: Content
    targets: tuple[Target, ...]
    accounts: Mapping[UUID, Account]
    media: Mapping[UUID, MediaItem] = field(default_factory=dict)
    bounds: Mapping[UUID, Bounds] = field(default_factory=dict)
    """What the platforms say that accounts may choose, where that is known."""

    def variants(self) -> Iterator[Variant]:
        """It, as each account that there is gets it."""
        for target in self.targets:
            if target.account_id in self.accounts:
                text = self.text if target.text is None else target.text
                content = self.content.changed_by(target.different)
                bounds = self.bounds.get(target.account_id, ANYTHING)
                yield Variant(target, self.accounts[target.account_id], text, content, self.media, bounds)


async def compose(tx: Transaction, source: MediaSource, composed: Composed, *, hold: bool = False) -> Composed:
    """It with its pictures and videos, read at once, and what its accounts may choose.

    With `hold` nobody deletes the media meanwhile.
    """
    wanted = composed.content.media_ids.union(
        *(composed.content.changed_by(each.different).media_ids for each in composed.targets)
    )
    media = await source.find(tx, wanted, hold=hold) if wanted else {}
    bounds = await BudgetRepository(tx).bounds(composed.accounts) if composed.accounts else {}
    return replace(composed, media=media, bounds=bounds)


def shapes(draft: Draft, content: Content, media: Mapping[UUID, MediaItem]) -> dict[UUID, Shape]:
    """What media of a post must become where it goes, for those that were looked at and cannot stay as they are."""
    found: dict[UUID, Shape] = {}
    for media_id in content.shown_ids & media.keys():
        facts = media[media_id].facts
        shape = None if facts is None else shape_for(draft, facts)
        if shape is not None:
            found[media_id] = shape
    return found


def draft_of(platform: PlatformName, content: Content, media: Mapping[UUID, MediaItem]) -> Draft:
    """As much of a draft as says what it is published as."""
    known = tuple(_known(use, media[use.media_id]) for use in content.media if use.media_id in media)
    parts = tuple(Part(part.text) for part in content.parts)
    return Draft(platform, kind=content.kind, thread=parts, media=known)


def needs(platform: PlatformName, content: Content, media: Mapping[UUID, MediaItem]) -> Iterator[Need]:
    """The renditions without which a post cannot leave for a platform."""
    for media_id, shape in shapes(draft_of(platform, content, media), content, media).items():
        organization_id = media[media_id].organization_id
        if organization_id is not None:
            yield Need(organization_id, media_id, shape)


def sent_text(platform: PlatformName, text: str, content: Content) -> str:
    """The text as it is sent: a link that has no place of its own on the platform stands at its end."""
    media = tuple(Media("image") for _ in content.media)
    return Draft(platform, text, link=content.link, media=media).sent_text


def _known(use: MediaUse, item: MediaItem) -> Media:
    return Media(
        kind=item.kind,
        mime=item.mime,
        size_bytes=item.size_bytes,
        width=item.width,
        height=item.height,
        duration_ms=item.duration_ms,
        frames_per_second=item.facts.frames_per_second if item.facts else None,
        animated=item.facts.animated if item.facts else None,
        pages=item.facts.pages if item.facts else None,
        alt=use.alt or item.alt,
    )
