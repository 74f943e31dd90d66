"""Films at YouTube: what is said about them, how far they are, and who may see them."""

import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sandbox.json import Object, list_at, text_at, value_at
from sandbox.ring import Ring
from sandbox.youtube import errors
from sandbox.youtube.world import App, Person

KEPT = 5_000
LONGEST_TITLE = 100
LONGEST_DESCRIPTION = 5000
LONGEST_TAGS = 500
PRIVACY = ("private", "public", "unlisted")


@dataclass(slots=True)
class Video:
    """A film; of its bytes only the number is kept."""

    id: str
    owner: Person
    body: Object
    size: int
    privacy: str
    uploaded_at: float
    readable_at: float
    works_until: float
    processing: str
    reason: str
    thumbnail: int = 0
    deleted: bool = False
    comments: list[Object] = field(default_factory=list)

    @property
    def readable(self) -> bool:
        """Whether lists show it by now."""
        return not self.deleted and time.monotonic() >= self.readable_at

    @property
    def state(self) -> str:
        """`uploaded` while it is worked on, then how that ended."""
        if time.time() < self.works_until or self.processing == "hangs":
            return "uploaded"
        return {"fails": "failed", "rejects": "rejected"}.get(self.processing, "processed")

    def out(self, parts: set[str]) -> Object:
        """The resource with the parts that were asked for."""
        everything: Object = {
            "snippet": self.snippet(),
            "status": self._status(),
            "processingDetails": self._processing(),
            "contentDetails": {"duration": "PT10S", "definition": "hd"},
            "statistics": {"viewCount": "0", "likeCount": "0", "commentCount": str(len(self.comments))},
        }
        shown = {name: value for name, value in everything.items() if name in parts}
        return {"kind": "youtube#video", "etag": secrets.token_hex(6), "id": self.id, **shown}

    def snippet(self) -> Object:
        """What is said about it."""
        return {
            "publishedAt": _written(self.uploaded_at),
            "channelId": self.owner.channel,
            "title": text_at(self.body, "snippet", "title"),
            "description": text_at(self.body, "snippet", "description"),
            "channelTitle": self.owner.title,
            "tags": list_at(self.body, "snippet", "tags"),
            "categoryId": text_at(self.body, "snippet", "categoryId") or "22",
        }

    def item(self, position: int) -> Object:
        """As an entry of the playlist of uploads."""
        return {
            "kind": "youtube#playlistItem",
            "id": f"UU{self.id}",
            "snippet": {
                **self.snippet(),
                "playlistId": self.owner.uploads,
                "position": position,
                "resourceId": {"kind": "youtube#video", "videoId": self.id},
            },
            "contentDetails": {"videoId": self.id, "videoPublishedAt": _written(self.uploaded_at)},
            "status": {"privacyStatus": self.privacy},
        }

    def _status(self) -> Object:
        said = {"failed": {"failureReason": self.reason or "codec"}}
        said["rejected"] = {"rejectionReason": self.reason or "duplicate"}
        return {
            "uploadStatus": self.state,
            "privacyStatus": self.privacy,
            "license": "youtube",
            "embeddable": True,
            "publicStatsViewable": True,
            "selfDeclaredMadeForKids": bool(value_at(self.body, "status", "selfDeclaredMadeForKids")),
            "containsSyntheticMedia": bool(value_at(self.body, "status", "containsSyntheticMedia")),
            **said.get(self.state, {}),
        }

    def _processing(self) -> Object:
        state = {"uploaded": "processing", "failed": "failed", "rejected": "terminated"}.get(self.state, "succeeded")
        failed = {"processingFailureReason": "transcodeFailed"} if state == "failed" else {}
        return {"processingStatus": state, "thumbnailsAvailability": "available", **failed}


class Videos:
    """All films, newest first."""

    def __init__(self) -> None:
        self._ring: Ring[Video] = Ring(most=KEPT)

    def add(self, owner: Person, body: Object, size: int, app: App, *, visible_after: float) -> Video:
        """A film has arrived; it is worked on from now on."""
        wanted = text_at(body, "status", "privacyStatus") or "public"
        now = time.time()
        video = Video(
            id=secrets.token_urlsafe(8)[:11],
            owner=owner,
            body=body,
            size=size,
            privacy=wanted if app.audited else "private",
            uploaded_at=now,
            readable_at=time.monotonic() + visible_after,
            works_until=now + app.processing_seconds,
            processing=app.processing,
            reason=app.reason,
        )
        self._ring.add(video)
        return video

    def seen_by(self, person: Person, key: str) -> Video | None:
        """A film that this person may see."""
        video = self._ring.find(lambda one: one.id == key and one.readable)
        if video is None or (video.privacy == "private" and video.owner.id != person.id):
            return None
        return video

    def of(self, person: Person, key: str) -> Video:
        """One's own film."""
        video = self._ring.find(lambda one: one.id == key and not one.deleted and one.owner.id == person.id)
        if video is None:
            raise errors.not_found("videoNotFound", "video")
        return video

    def by(self, playlist: str) -> list[Video]:
        """The films of a playlist of uploads, newest first."""
        where = self._ring.page(limit=KEPT, where=lambda one: one.owner.uploads == playlist and one.readable)
        return where.items

    def all(self) -> list[Video]:
        """All films, newest first, also what is gone or not yet to be read."""
        return self._ring.page(limit=KEPT).items

    def clear(self) -> None:
        """Forget all."""
        self._ring.clear()


def checked(body: Object) -> Object:
    """What is said about a film that will be uploaded; refused where it is wrong."""
    title, description = text_at(body, "snippet", "title"), text_at(body, "snippet", "description")
    if not title.strip() or len(title) > LONGEST_TITLE or set(title) & {"<", ">"}:
        raise errors.bad("invalidTitle", "The request metadata specifies an invalid or empty video title.")
    if len(description.encode()) > LONGEST_DESCRIPTION or set(description) & {"<", ">"}:
        raise errors.bad("invalidDescription", "The request metadata specifies an invalid video description.")
    tags = [str(tag) for tag in list_at(body, "snippet", "tags")]
    if sum(len(tag) + 2 * (" " in tag) for tag in tags) + max(0, len(tags) - 1) > LONGEST_TAGS:
        raise errors.bad("invalidTags", "The request metadata specifies invalid video keywords.")
    if value_at(body, "status", "privacyStatus") not in {None, *PRIVACY}:
        raise errors.bad("invalidVideoMetadata", "The request metadata is invalid.")
    return body


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
