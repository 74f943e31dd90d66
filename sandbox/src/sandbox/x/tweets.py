"""Posts at X: what is asked of them, and those that are live."""

import hashlib
import itertools
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.json import Object, list_at, object_at, text_at, write
from sandbox.ring import Ring
from sandbox.shelf import Shelf
from sandbox.x import errors
from sandbox.x.media import Media, Uploads
from sandbox.x.text import shortened, weight, with_media
from sandbox.x.world import App, Person

KEPT_POSTS = 20_000
KEPT_BYTES = 64 * 1024 * 1024
EPOCH = 1_288_834_974_657
FIELDS = frozenset(
    {
        "card_uri",
        "community_id",
        "direct_message_deep_link",
        "edit_options",
        "for_super_followers_only",
        "geo",
        "made_with_ai",
        "media",
        "nullcast",
        "paid_partnership",
        "poll",
        "quote_tweet_id",
        "reply",
        "reply_settings",
        "share_with_followers",
        "text",
    }
)
WHO_REPLIES = ("following", "mentionedUsers", "subscribers", "verified")

_numbers = itertools.count()


@dataclass(slots=True)
class Tweet:
    """A post as its author wrote it (`written`), and as the API gives it back (`text`, `entities`)."""

    id: str
    author: Person
    written: str
    text: str
    entities: list[dict[str, object]]
    body: Object
    media: list[Media]
    conversation_id: str
    created_at: float
    readable_at: float
    deleted: bool = False

    @property
    def readable(self) -> bool:
        """Whether X shows it by now."""
        return not self.deleted and time.monotonic() >= self.readable_at

    @property
    def answers(self) -> str:
        """The post it is a reply to; empty where it is none."""
        return text_at(self.body, "reply", "in_reply_to_tweet_id")

    def out(self, wanted: set[str]) -> Object:
        """The post with the fields that were asked for."""
        at = datetime.fromtimestamp(self.created_at, UTC)
        everything: Object = {
            "author_id": self.author.id,
            "conversation_id": self.conversation_id,
            "created_at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "entities": {"urls": self.entities} if self.entities else {},
            "attachments": {"media_keys": [one.key for one in self.media]} if self.media else {},
            "reply_settings": text_at(self.body, "reply_settings") or "everyone",
            "referenced_tweets": [{"type": "replied_to", "id": self.answers}] if self.answers else [],
        }
        shown = {name: value for name, value in everything.items() if name in wanted and value}
        return {"id": self.id, "text": self.text, "edit_history_tweet_ids": [self.id], **shown}


class Tweets:
    """All posts; what the same person says twice is refused, even when the first is gone."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._ring: Ring[Tweet] = Ring(most=KEPT_POSTS, heaviest=KEPT_BYTES)
        self._said: Shelf[bytes, float] = Shelf(most=KEPT_POSTS)

    def create(self, person: Person, body: Object, app: App, *, visible_after: float) -> Tweet:
        """Publish what was asked for; refused when it is not valid or says the same again."""
        media = self._checked(person, body)
        conversation = self._answered(body)
        fingerprint = _fingerprint(person, body)
        said = self._said.get(fingerprint)
        if said is not None and time.monotonic() - said < app.duplicate_seconds:
            raise errors.duplicate()
        tweet = self._made(person, body, media, conversation, visible_after=visible_after)
        for one in media:
            one.used = True
        self._said.put(fingerprint, time.monotonic())
        self._ring.add(tweet, weight=len(write(body)))
        return tweet

    def find(self, key: str) -> Tweet:
        """A live post that can be read already."""
        tweet = self._ring.find(lambda one: one.id == key and one.readable)
        if tweet is None:
            raise errors.not_found("tweet", key)
        return tweet

    def delete(self, person: Person, key: str) -> bool:
        """Take a post down; false where there is none (any more)."""
        tweet = self._ring.find(lambda one: one.id == key and not one.deleted)
        if tweet is None:
            return False
        if tweet.author.id != person.id:
            raise errors.not_yours("You are not authorized to delete this Tweet.")
        tweet.deleted = True
        return True

    def by(self, person_id: str) -> list[Tweet]:
        """The live posts of a user that can be read already, the newest first."""
        where = self._ring.page(limit=KEPT_POSTS, where=lambda one: one.author.id == person_id and one.readable)
        return where.items

    def all(self) -> list[Tweet]:
        """All posts, newest first, also what is gone or not yet to be read."""
        return self._ring.page(limit=KEPT_POSTS).items

    def clear(self) -> None:
        """Forget all."""
        self._ring.clear()
        self._said.clear()

    def _checked(self, person: Person, body: Object) -> list[Media]:
        if unknown := sorted(set(body) - FIELDS):
            raise errors.invalid(unknown[0], f"The field [{unknown[0]}] is not one of [{', '.join(sorted(FIELDS))}]")
        if not isinstance(body.get("text", ""), str):
            raise errors.invalid("text", "text must be a string")
        ids = [str(one) for one in list_at(body, "media", "media_ids")]
        if not text_at(body, "text").strip() and not ids and not object_at(body, "poll"):
            raise errors.invalid("text", "A Tweet needs text, media or a poll")
        if body.get("reply_settings") not in {None, *WHO_REPLIES}:
            raise errors.invalid("reply_settings", f"reply_settings must be one of {list(WHO_REPLIES)}")
        if "media" in body and not 1 <= len(ids) <= 4:
            raise errors.invalid("media.media_ids", "media_ids must contain between 1 and 4 items")
        media = [self._uploads.ready(person, one) for one in ids]
        if any(one.is_film for one in media) and len(media) > 1:
            raise errors.invalid("media.media_ids", "A video or GIF must stand alone")
        if weight(text_at(body, "text")) > person.longest:
            raise errors.too_long()
        return media

    def _answered(self, body: Object) -> str:
        """The conversation that a reply belongs to; empty where it answers nothing."""
        answered = text_at(body, "reply", "in_reply_to_tweet_id")
        if not answered:
            return ""
        tweet = self._ring.find(lambda one: one.id == answered and not one.deleted)
        if tweet is None:
            raise errors.not_yours("You attempted to reply to a Tweet that is deleted or not visible to you.")
        return tweet.conversation_id

    def _made(
        self, person: Person, body: Object, media: list[Media], conversation: str, *, visible_after: float
    ) -> Tweet:
        key, now, written = _id(), time.time(), text_at(body, "text")
        text, entities = shortened(written, lambda _: _short())
        if media:
            where = f"https://x.com/{person.username}/status/{key}/{'video' if media[0].is_film else 'photo'}/1"
            text = with_media(text, entities, _short(), where, [one.key for one in media])
        readable_at = time.monotonic() + visible_after
        return Tweet(key, person, written, text, entities, body, media, conversation or key, now, readable_at)


def _short() -> str:
    return f"https://t.co/{secrets.token_hex(5)}"


def _id() -> str:
    """A snowflake: its number tells its time, as X's do."""
    return str(((time.time_ns() // 1_000_000 - EPOCH) << 22) | (next(_numbers) & 0x3FFFFF))


def _fingerprint(person: Person, body: Object) -> bytes:
    said = [person.id, text_at(body, "text").strip(), object_at(body, "reply"), object_at(body, "media")]
    return hashlib.sha256(write(said)).digest()
