"""From rows to what is sent: opening what is sealed, and sealing what a platform names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from kit.db.database import Database, Row, Transaction
from kit.errors import TransientError
from kit.ids import new_id
from kit.ledger.model import Entry, NotAccepted, Receipt, Refused, Unanswered
from kit.seal import KeyShredded
from postrules.limits import Platform as PlatformName
from publisher.accounts.renewing import owner_of
from publisher.accounts.sealing import AccountSeal
from publisher.deliveries.model import What
from publisher.media.source import MediaSource
from publisher.platforms.base import LONGEST_HANDLE, MediaItem, Outgoing, Platform, Processing
from publisher.posts.composing import needs, sent_text
from publisher.posts.content import Content, MediaUse
from publisher.renditions.asking import Renditions
from publisher.renditions.model import Rendition

_MAKING: Final = 5.0


@dataclass(frozen=True, slots=True)
class Work:
    """One thing on its way, its author, token and handle still sealed."""

    platform: PlatformName
    account_id: UUID
    content: Content
    media: Mapping[UUID, MediaItem]
    row: Row
    made: Mapping[UUID, Rendition | None] = field(default_factory=dict)
    """What was made of those media that the platform takes in another shape only."""
    full_until: datetime | None = None
    """Until when the platform takes nothing more from our application, where it has said so."""

    def __repr__(self) -> str:
        return f"Work({self.account_id})"


@dataclass(frozen=True, slots=True)
class Next:
    """What follows a call: a step with what the platform names, sealed for its row, after so many seconds."""

    step_id: UUID
    what: What
    handle: bytes
    wait: float


@dataclass(frozen=True, slots=True)
class Sending:
    """What all effects of deliveries share on their way out."""

    database: Database
    platforms: Mapping[PlatformName, Platform]
    seal: AccountSeal
    media: MediaSource
    renditions: Renditions | None = None

    async def works(self, tx: Transaction, rows: Sequence[Row]) -> list[Work]:
        """What these rows are about, with their pictures and videos read at once."""
        contents = [Content.read(row["content"]) for row in rows]
        wanted = set().union(*(content.media_ids for content in contents))
        media = await self.media.find(tx, wanted) if wanted else {}
        platforms = [PlatformName(row["platform"]) for row in rows]
        needed = [list(needs(*each, media)) for each in zip(platforms, contents, strict=True)]
        asked = [need for own in needed for need in own]
        made = await self.renditions.find(tx, asked) if self.renditions else {}
        return [
            Work(
                platform, row["account_id"], content, media, row, {each.media_id: made.get(each.key) for each in own}
            )
            for platform, row, content, own in zip(platforms, rows, contents, needed, strict=True)
        ]

    async def outgoing(self, entry: Entry, work: Work) -> Outgoing:
        """The post itself, with what opens its account.

        Raises:
            NotAccepted: a key cannot be fetched just now, or what a platform needs of it is not made yet.
            Refused: a picture or video of it is not there any more, or cannot be made what the platform takes.
        """
        row, content = work.row, work.content
        handle = row.get("handle")
        sealed = {"external_sealed": row["author"], "access_token": row["access_token"]}
        if handle is not None:
            sealed[_column(row["step_id"])] = handle
        try:
            author, token, *opened = await self.seal.open(owner_of(entry), work.account_id, sealed)
        except TransientError as trouble:
            raise NotAccepted("We could not send it just now.", code="not-prepared") from trouble
        alone = row.get("what") in (What.COMMENT, What.COVER, What.REMOVAL)
        return Outgoing(
            account_id=work.account_id,
            author=author or "",
            text=sent_text(work.platform, row["text"], content),
            access_token=token if author else None,
            since=row["first_called_at"],
            taken=frozenset(row["taken"]),
            behind=row["behind"],
            kind=content.kind,
            title=content.title,
            link=content.link,
            media=() if alone else _items(content.media, work),
            options=content.options,
            handle=opened[0] if opened else None,
        )

    async def step(self, entry: Entry, work: Work) -> Outgoing:
        """What this step is about: the post, a part of its thread, or its first comment.

        Raises:
            NotAccepted, Refused: as `outgoing`.
        """
        post, row = await self.outgoing(entry, work), work.row
        if row["what"] in (What.COMMENT, What.COVER, What.REMOVAL):
            return replace(post, text=work.content.first_comment, title="", link="", reply_to=row["root"])
        if row["part"]:
            part = work.content.parts[row["part"] - 1]
            media = _items(part.media, work)
            return replace(post, text=part.text, title="", link="", media=media, reply_to=row["before"])
        return post

    async def begun(self, entry: Entry, work: Work, came: Receipt | Processing) -> Receipt:
        """The receipt of a call: live, or the wait for the platform's processing."""
        if isinstance(came, Receipt):
            return came
        return await self.following(entry, work, What.PROCESSING, came.handle, came.check_after)

    async def following(self, entry: Entry, work: Work, what: What, handle: str, wait: float) -> Receipt:
        """A receipt that brings the next step with it.

        Raises:
            Refused: the account was forgotten meanwhile.
            Unanswered: the handle cannot be kept just now.
        """
        if not 0 < len(handle) <= LONGEST_HANDLE:
            raise Unanswered("The platform's answer cannot be kept.", code="unreadable-answer")
        step_id = new_id()
        try:
            sealed = await self.seal.seal_value(owner_of(entry), work.account_id, _column(step_id), handle)
        except KeyShredded as trouble:
            raise Refused("The account was forgotten.", code="no-account") from trouble
        except TransientError as trouble:
            raise Unanswered("We could not keep what the platform has begun.", code="not-kept") from trouble
        return Receipt(said=what.value, result=Next(step_id, what, sealed, wait))


def _column(step_id: UUID) -> str:
    return f"handle/{step_id}"


def _items(uses: Sequence[MediaUse], work: Work) -> tuple[MediaItem, ...]:
    if any(use.media_id not in work.media for use in uses):
        raise Refused("A picture or video of this post is not there any more.", code="media-missing")
    items = [_fitting(place, use, work) for place, use in enumerate(uses, 1)]
    return tuple(replace(item, alt=use.alt or item.alt) for use, item in zip(uses, items, strict=True))


def _fitting(place: int, use: MediaUse, work: Work) -> MediaItem:
    """The medium as the platform takes it.

    Raises:
        NotAccepted: that is not made yet.
        Refused: it cannot be made.
    """
    item = work.media[use.media_id]
    if use.media_id not in work.made or item.again is None:
        return item
    made = work.made[use.media_id]
    if made is not None and made.facts is not None:
        return item.again(made.id, made.facts, made.object)
    if made is not None and made.failed:
        reason = f"Item {place} cannot be made what {work.platform.value} takes. {made.reason}"
        raise Refused(reason, code="media-not-fitting")
    reason = f"Item {place} is still being made what {work.platform.value} takes."
    raise NotAccepted(reason, code="media-not-ready", retry_after=_MAKING)
