"""Posts on their way at TikTok: sent or fetched, worked on, live, and looked at by the moderation."""

import itertools
import secrets
import time
from dataclasses import dataclass, field

from sandbox.json import Object, list_at, text_at
from sandbox.ring import Ring
from sandbox.tiktok import errors
from sandbox.tiktok.notifications import Notifier
from sandbox.tiktok.world import SELF_ONLY, App, Person

KEPT = 20_000
DAY = 86_400

_numbers = itertools.count(7_400_000_000_000_000_000)


@dataclass(slots=True)
class Publication:
    """One post and how far it is; of its files only the sizes are kept."""

    id: str
    owner: Person
    kind: str
    body: Object
    began_at: float
    readable_at: float
    post_id: str
    upload_key: str = ""
    total: int = 0
    chunk: int = 0
    chunks: int = 0
    received: int = 0
    chunks_received: int = 0
    pulled: list[str] = field(default_factory=list)
    arrived_at: float | None = None
    works_until: float = 0.0
    public_at: float = 0.0
    outcome: str = "succeeds"
    reason: str = ""
    told: set[str] = field(default_factory=set)

    @property
    def privacy(self) -> str:
        """Who may see it."""
        return text_at(self.body, "post_info", "privacy_level") or SELF_ONLY

    @property
    def title(self) -> str:
        """What is said with it."""
        return text_at(self.body, "post_info", "title")

    @property
    def state(self) -> str:
        """TikTok's word for how far it is."""
        if self.reason and self.arrived_at is None:
            return "FAILED"
        if self.arrived_at is None:
            return "PROCESSING_UPLOAD" if self.upload_key else "PROCESSING_DOWNLOAD"
        if time.time() < self.works_until or self.outcome == "hangs":
            return "PROCESSING_UPLOAD" if self.upload_key else "PROCESSING_DOWNLOAD"
        return "FAILED" if self.outcome == "fails" else "PUBLISH_COMPLETE"

    @property
    def live(self) -> bool:
        """Whether people see it who may."""
        return self.state == "PUBLISH_COMPLETE"

    @property
    def is_public(self) -> bool:
        """Whether its id may be told: it is for everyone, and moderation has looked at it."""
        return self.live and self.privacy == "PUBLIC_TO_EVERYONE" and time.time() >= self.public_at

    def out(self) -> Object:
        """How far it is; the misspelt name is TikTok's."""
        body: Object = {"status": self.state, "publicaly_available_post_id": []}
        if self.state == "FAILED":
            body["fail_reason"] = self.reason
        if self.is_public:
            body["publicaly_available_post_id"] = [int(self.post_id)]
        body["uploaded_bytes" if self.upload_key else "downloaded_bytes"] = self.received
        return body

    def video(self, fields: set[str]) -> Object:
        """As an entry of the creator's list."""
        everything: Object = {
            "id": self.post_id,
            "create_time": int(self.began_at),
            "title": self.title,
            "video_description": self.title,
            "share_url": f"https://www.tiktok.com/@{self.owner.username}/video/{self.post_id}",
            "duration": 10,
        }
        return {name: value for name, value in everything.items() if name in fields}


class Posts:
    """All posts, newest first."""

    def __init__(self, notifier: Notifier) -> None:
        self._ring: Ring[Publication] = Ring(most=KEPT)
        self._notifier = notifier

    def add(self, owner: Person, kind: str, body: Object, app: App, *, visible_after: float) -> Publication:
        """A post was asked for; refused when the creator has had enough for a day."""
        day = self._ring.page(limit=KEPT, where=lambda one: one.owner.id == owner.id and _counts(one)).items
        if len(day) >= app.posts_per_day:
            raise errors.error("spam_risk_too_many_posts")
        made = Publication(
            id=f"v_{kind}~v2-1.{next(_numbers)}",
            owner=owner,
            kind=kind,
            body=body,
            began_at=time.time(),
            readable_at=time.monotonic() + visible_after,
            post_id=str(next(_numbers)),
        )
        self._ring.add(made)
        return made

    def of(self, owner: Person, key: str) -> Publication:
        """One's own post by its publish id."""
        found = self._ring.find(lambda one: one.id == key)
        if found is None:
            raise errors.error("invalid_publish_id")
        if found.owner.id != owner.id:
            raise errors.error("token_not_authorized_for_specified_publish_id")
        self.tell(found)
        return found

    def by_upload(self, key: str) -> Publication | None:
        """The post that an upload address belongs to."""
        return self._ring.find(lambda one: bool(one.upload_key) and one.upload_key == key)

    def public_of(self, owner: Person, before: float) -> list[Publication]:
        """The videos of a creator that everyone may see, newest first, begun before a time; no photos."""
        now = time.monotonic()

        def shown(one: Publication) -> bool:
            mine = one.owner.id == owner.id and one.began_at < before
            return mine and one.is_public and one.readable_at <= now

        return [one for one in self._ring.page(limit=KEPT, where=shown).items if one.kind != "photo"]

    def arrived(self, one: Publication, app: App) -> None:
        """All of it is there: it is worked on from now on."""
        one.arrived_at = time.time()
        one.works_until = one.arrived_at + app.processing_seconds
        one.public_at = one.works_until + app.moderation_seconds
        one.outcome = app.processing
        one.reason = app.reason if app.processing == "fails" else ""

    def tell(self, one: Publication) -> None:
        """Tell the application what has become of it, once each."""
        content: Object = {"publish_id": one.id, "publish_type": "DIRECT_PUBLISH"}
        if one.state == "FAILED":
            self._once(one, "post.publish.failed", {**content, "reason": one.reason})
        if one.live:
            self._once(one, "post.publish.complete", content)
        if one.is_public:
            self._once(one, "post.publish.publicly_available", {**content, "post_id": one.post_id})

    def all(self) -> list[Publication]:
        """All posts, newest first."""
        return self._ring.page(limit=KEPT).items

    def clear(self) -> None:
        """Forget all."""
        self._ring.clear()

    def _once(self, one: Publication, event: str, content: Object) -> None:
        if event not in one.told:
            one.told.add(event)
            self._notifier.tell(event, one.owner.id, content)


def _counts(one: Publication) -> bool:
    return one.state != "FAILED" and one.began_at > time.time() - DAY and (one.arrived_at is not None)


def urls_of(body: Object) -> list[str]:
    """The addresses that a post names."""
    several = [str(one) for one in list_at(body, "source_info", "photo_images")]
    return several or [url for url in (text_at(body, "source_info", "video_url"),) if url]


def new_key() -> str:
    """What makes an upload address nobody else's."""
    return secrets.token_urlsafe(32)
