"""Posts at LinkedIn: what is asked of them, and those that are live."""

import hashlib
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from sandbox.json import Object, list_at, object_at, text_at, value_at, write
from sandbox.linkedin import errors
from sandbox.linkedin.little import render
from sandbox.linkedin.world import App
from sandbox.ring import Ring
from sandbox.shelf import Shelf

KEPT_POSTS = 20_000
KEPT_BYTES = 128 * 1024 * 1024
LONGEST = 3000
FIELDS = frozenset(
    {
        "author",
        "commentary",
        "visibility",
        "distribution",
        "lifecycleState",
        "isReshareDisabledByAuthor",
        "content",
        "reshareContext",
        "contentCallToActionLabel",
        "contentLandingPage",
        "adContext",
        "container",
    }
)
UPDATABLE = frozenset({"commentary", "contentCallToActionLabel", "contentLandingPage", "lifecycleState", "adContext"})
CHOICES = {
    "visibility": ("PUBLIC", "CONNECTIONS", "LOGGED_IN", "CONTAINER"),
    "lifecycleState": ("PUBLISHED", "DRAFT"),
}
FEEDS = ("MAIN_FEED", "NONE")

_numbers = itertools.count()


@dataclass(slots=True)
class Post:
    """A post as its author wrote it; `text` is what a reader sees."""

    urn: str
    body: Object
    text: str
    created_at: int
    modified_at: int
    readable_at: float
    deleted: bool = False
    edited: bool = False
    comments: list[Object] = field(default_factory=list)

    @property
    def author(self) -> str:
        """The URN of the author."""
        return text_at(self.body, "author")

    @property
    def readable(self) -> bool:
        """Whether LinkedIn shows it by now."""
        return not self.deleted and time.monotonic() >= self.readable_at

    def out(self) -> Object:
        """The post as the API answers it."""
        published = {} if text_at(self.body, "lifecycleState") == "DRAFT" else {"publishedAt": self.created_at}
        return {
            **self.body,
            **published,
            "id": self.urn,
            "createdAt": self.created_at,
            "lastModifiedAt": self.modified_at,
            "lifecycleStateInfo": {"isEditedByAuthor": self.edited},
        }


class Posts:
    """All posts, newest first; what is said twice within a short time is refused, even when the first is gone."""

    def __init__(self) -> None:
        self._ring: Ring[Post] = Ring(most=KEPT_POSTS, heaviest=KEPT_BYTES)
        self._said: Shelf[bytes, tuple[float, str]] = Shelf(most=KEPT_POSTS)

    def create(self, body: Object, app: App, *, visible_after: float) -> Post:
        """Publish a post that was asked for; refused when it is not valid or says the same again."""
        text = checked(body, app)
        fingerprint = _fingerprint(body)
        said = self._said.get(fingerprint)
        if said and time.monotonic() - said[0] < app.duplicate_seconds:
            raise errors.duplicate(said[1])
        now = time.time_ns() // 1_000_000
        post = Post(_urn(now, body), body, text, now, now, time.monotonic() + visible_after)
        self._said.put(fingerprint, (time.monotonic(), post.urn))
        self._ring.add(post, weight=len(write(body)))
        return post

    def find(self, urn: str) -> Post:
        """A live post that can be read already."""
        post = self._ring.find(lambda one: one.urn == urn and one.readable)
        if post is None:
            raise errors.not_found(urn)
        return post

    def by(self, author: str, *, sort_by: str) -> list[Post]:
        """The live posts of an author that can be read already, the newest first."""
        found = self._ring.page(limit=KEPT_POSTS, where=lambda one: one.author == author and one.readable).items
        return sorted(
            found, key=lambda one: one.created_at if sort_by == "CREATED" else one.modified_at, reverse=True
        )

    def change(self, post: Post, patch: Object, app: App) -> None:
        """Change what may be changed of a post."""
        changes = object_at(patch, "patch", "$set")
        if not changes:
            raise errors.bad_request("A partial update needs a patch with $set")
        if fixed := sorted(set(changes) - UPDATABLE):
            raise errors.invalid_field(f"/patch/$set/{fixed[0]}", "field cannot be updated")
        body = {**post.body, **changes}
        post.text = checked(body, app)
        post.body = body
        post.modified_at = max(time.time_ns() // 1_000_000, post.modified_at + 1)
        post.edited = True

    def delete(self, urn: str) -> None:
        """Take a post down; one that is not there is down already."""
        for post in self.all():
            post.deleted = post.deleted or post.urn == urn

    def all(self) -> Sequence[Post]:
        """All posts, newest first: the deleted ones too, and those that LinkedIn does not show yet."""
        return self._ring.page(limit=KEPT_POSTS).items

    def clear(self) -> None:
        """Forget all."""
        self._ring.clear()
        self._said.clear()


def checked(body: Object, app: App) -> str:
    """What a reader of the post will see; refused where a field is missing or wrong."""
    if unknown := sorted(set(body) - FIELDS):
        raise errors.invalid_field(f"/{unknown[0]}", "unrecognized field found but not allowed")
    for name in ("author", "visibility", "distribution", "lifecycleState"):
        if body.get(name) is None:
            raise errors.missing_field(f"/{name}")
    for name, choices in CHOICES.items():
        _among(f"/{name}", body[name], choices)
    _among("/distribution/feedDistribution", value_at(body, "distribution", "feedDistribution"), FEEDS)
    for name in ("targetEntities", "thirdPartyDistributionChannels"):
        if not isinstance(value_at(body, "distribution", name), list | None):
            raise errors.invalid_field(f"/distribution/{name}", "field is not an array")
    return _text(body, app)


def _text(body: Object, app: App) -> str:
    commentary = body.get("commentary")
    if commentary is None and not object_at(body, "content") and not object_at(body, "reshareContext"):
        raise errors.missing_field("/commentary")
    if not isinstance(commentary, str | None):
        raise errors.invalid_field("/commentary", "field is not a string")
    seen, wrong_at = render(commentary or "")
    if wrong_at is not None and app.unescaped == "refuse":
        trouble = f"reserved character '{(commentary or '')[wrong_at]}' at {wrong_at} is not escaped"
        raise errors.invalid_field("/commentary", trouble)
    if len(seen) > LONGEST:
        trouble = f'length of "commentary" is {len(seen)}, but the maximum length is {LONGEST}'
        raise errors.invalid_field("/commentary", trouble)
    return seen


def _among(path: str, value: object, choices: Sequence[str]) -> None:
    if value is None:
        raise errors.missing_field(path)
    if value not in choices:
        raise errors.invalid_field(path, f'"{value}" is not an enum symbol, expected one of {", ".join(choices)}')


def _fingerprint(body: Object) -> bytes:
    said = [text_at(body, "author"), text_at(body, "commentary"), object_at(body, "content")]
    return hashlib.sha256(write(said)).digest()


def _urn(now: int, body: Object) -> str:
    """A share, or a ugcPost where it holds a film; its number tells its time, as LinkedIn's do."""
    number = (now << 22) | (next(_numbers) & 0x3FFFFF)
    media = text_at(body, "content", "media", "id")
    kind = "ugcPost" if media.startswith("urn:li:video:") or list_at(body, "content", "poll", "options") else "share"
    return f"urn:li:{kind}:{number}"
