"""What the publisher needs of a platform; what each accepts stands in postrules."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol
from uuid import UUID

from kit.ledger.model import Look, Receipt, Refused
from postrules.drafts import Kind as PostKind
from publisher.accounts.model import AccountKind
from publisher.media.workshop.verdict import Facts, FileKind

LONGEST_HANDLE: Final = 65_536


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens as a platform gives them; lifetimes in seconds, None when it does not say."""

    access_token: str
    expires_in: float | None
    refresh_token: str | None
    refresh_expires_in: float | None
    scopes: tuple[str, ...]

    def __repr__(self) -> str:
        return "Tokens(…)"


@dataclass(frozen=True, slots=True)
class Identity:
    """An account that tokens open.

    `tokens` are its own where the platform gives each account some; else those of the consent are its. `grantor` is
    the platform's id of the person who gave the permission, by which it tells us that they took it back.
    """

    kind: AccountKind
    external_id: str
    name: str
    tokens: Tokens | None = None
    grantor: str = ""


@dataclass(frozen=True, slots=True)
class MediaItem:
    """A picture or video as it is to be published: verified, and of the shape the platform wants.

    `url` is an address that does not change and that a platform can pull from without anything else; `read` gives the
    bytes from an offset, at most so many. Sizes are in bytes and pixels, `duration_ms` is None for pictures.
    """

    media_id: UUID
    kind: FileKind
    mime: str
    size_bytes: int
    width: int
    height: int
    duration_ms: int | None
    alt: str
    url: str | None
    read: Callable[[int, int], Awaitable[bytes]] = field(compare=False)
    facts: Facts | None = None
    """What was seen in it, where it was looked at."""
    organization_id: UUID | None = None
    again: Callable[[UUID, Facts, str], "MediaItem"] | None = field(default=None, compare=False)
    """The same medium by another of its files: its id, what it is, and where its bytes lie."""

    def __repr__(self) -> str:
        return f"MediaItem({self.media_id})"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One thing on its way: what is said by whom, and what a look must not take for it.

    A post, a part of a thread, a comment. `reply_to` is what it answers, by the platform's id; `handle` names what
    the platform has begun, in words of the code that speaks to it. `since` is when the first attempt began, None
    before one. `taken` are posts that are known as others of ours. `behind` says that an earlier delivery of the same
    text is being looked for, which comes first.
    """

    account_id: UUID
    author: str
    text: str
    access_token: str | None
    since: datetime | None = None
    taken: frozenset[str] = frozenset()
    behind: bool = False
    kind: PostKind = PostKind.POST
    title: str = ""
    link: str = ""
    media: tuple[MediaItem, ...] = ()
    options: Mapping[str, str | bool] = field(default_factory=dict)
    reply_to: str | None = None
    handle: str | None = None

    def __repr__(self) -> str:
        return f"Outgoing({self.account_id})"


@dataclass(frozen=True, slots=True)
class Processing:
    """The platform has it and works on it. `handle` names it there, `check_after` is in seconds."""

    handle: str
    check_after: float = 5.0

    def __repr__(self) -> str:
        return "Processing(…)"


@dataclass(frozen=True, slots=True)
class Ready:
    """Processing has ended, and it is not live before `finalize`; `handle` replaces the former one, if given."""

    handle: str | None = None

    def __repr__(self) -> str:
        return "Ready(…)"


@dataclass(frozen=True, slots=True)
class Quota:
    """How many posts an account may publish: `used` of `limit` within `window` seconds, and anew at `resets_at`.

    `resets_at` is None where the window slides.
    """

    limit: int
    used: int
    window: float
    resets_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an account may choose, as its platform tells: who sees it (names of ours), the seconds of a film at most.

    None where the platform tells nothing of it.
    """

    privacy: tuple[str, ...] | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """What a receipt tells besides the id: where people see it, and what is left. It stands in `Receipt.result`."""

    url: str
    quota: Quota | None = None


PROJECT_FULL: Final = "quota-exceeded"
"""The code of a refusal that means all who publish through our application."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many posts of all who publish through our application a platform takes in a day of this zone."""

    limit: int
    zone: str


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can do through its API, as data: nobody calls what is not here.

    `accounts` are the kinds of accounts that can be connected. `comments` says that we can write the first comment
    below a post, `replies` that a post can answer another, so that threads are possible, `covers` that a film can be
    given a picture of its own once it is live. `goes_live_alone` says that what is processing becomes public by
    itself: then nobody may repeat it when its processing does not end within `processing_within` seconds, and it is
    looked for instead. `repeatable` says that publishing twice what bears the same handle is publishing once,
    `bucket` what our whole application may publish in a day, `found_by` how an unknown outcome is found again,
    strongest first.
    """

    accounts: frozenset[AccountKind]
    kinds: frozenset[PostKind]
    media: frozenset[FileKind] = frozenset()
    comments: bool = False
    replies: bool = False
    covers: bool = False
    deletes: bool = False
    quota: bool = False
    pkce: bool = False
    goes_live_alone: bool = False
    repeatable: bool = False
    bucket: Bucket | None = None
    found_by: tuple[Literal["handle", "fingerprint"], ...] = ("fingerprint",)
    processing_within: float = 3600.0


class Platform(Protocol):
    """One platform's API. What is raised are the ledger's outcomes.

    Nothing waits here: what takes long is `Processing` and is asked for by `check`. What one call of `publish`,
    `finalize` or `comment` may have made public is made public by it alone: its last request, and nothing that can
    fail comes after it.
    """

    @property
    def on(self) -> bool:
        """Whether it is set up here."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def consent_url(self, state: str, challenge: str) -> str:
        """Where a person gives us the permission; `challenge` is PKCE's, by S256, for platforms that have it."""

    async def exchange(self, code: str, verifier: str) -> Tokens:
        """Tokens for a code, which is spent by this; `verifier` belongs to the challenge.

        Raises:
            Refused: there are none to be had by this code any more; the person must begin again.
        """

    async def identities(self, kind: AccountKind, tokens: Tokens) -> list[Identity]:
        """The accounts of this kind that the tokens open.

        Raises:
            Refused: there is none, or it cannot be read.
        """

    async def renew(self, refresh_token: str, external_id: str) -> Tokens:
        """New tokens for the account of this id; asking twice harms nothing.

        Raises:
            Refused: the permission has ended.
            NotAccepted: not now.
        """

    async def publish(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt | Processing:
        """Publish, once, or begin to; `again` says that an attempt before may have succeeded.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: as the ledger means them.
        """

    async def check(self, outgoing: Outgoing, now: datetime) -> Receipt | Ready | Processing:
        """How far the platform is with what `outgoing.handle` names; only reads. A receipt says that it is live.

        Raises:
            Refused: processing has failed, and nothing is live.
            NotAccepted, Parked, Unanswered: it could not be read now.
        """

    async def finalize(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt | Processing:
        """Make the next step with what is ready: make it public, or upload more of it.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: as the ledger means them.
        """

    async def look(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Whether it is live.

        Raises:
            NotAccepted, Parked, Unanswered: it could not be looked for now.
        """

    async def comment(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt:
        """Write a comment below `outgoing.reply_to`.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: as the ledger means them.
        """

    async def look_for_comment(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Whether that comment is there.

        Raises:
            NotAccepted, Parked, Unanswered: it could not be looked for now.
        """

    async def cover(self, external_id: str, picture: MediaItem, access_token: str, now: datetime) -> Receipt:
        """Give a film that is live this picture in lists; doing it again is doing it once.

        Raises:
            Refused, NotAccepted, Parked: as the ledger means them.
        """

    async def delete(self, external_id: str, access_token: str) -> Receipt:
        """Take down what is live under this id; what is not there is done, so repeating harms nothing.

        Raises:
            Refused, NotAccepted, Parked: as the ledger means them.
        """

    async def quota(self, external_id: str, access_token: str) -> Quota | Bounds | None:
        """What the account may still publish, or within which bounds, as the platform tells; None when it does not.

        Raises:
            NotAccepted, Parked, Unanswered: it could not be read now.
        """

    def url_of(self, external_id: str) -> str:
        """Where people see it; empty where the id does not tell."""


class Plain:
    """What a platform answers to whatever it cannot do: nobody asks, since its capabilities say so."""

    async def check(self, outgoing: Outgoing, now: datetime) -> Receipt | Ready | Processing:
        """Refused."""
        raise _not_offered(outgoing, now)

    async def finalize(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt | Processing:
        """Refused."""
        raise _not_offered(outgoing, again, now)

    async def comment(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt:
        """Refused."""
        raise _not_offered(outgoing, again, now)

    async def look_for_comment(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Refused."""
        raise _not_offered(outgoing, called_at, now)

    async def cover(self, external_id: str, picture: MediaItem, access_token: str, now: datetime) -> Receipt:
        """Refused."""
        raise _not_offered(external_id, picture, access_token, now)

    async def delete(self, external_id: str, access_token: str) -> Receipt:
        """Refused."""
        raise _not_offered(external_id, access_token)

    async def quota(self, external_id: str, access_token: str) -> Quota | Bounds | None:
        """Nothing is told."""
        _ = external_id, access_token
        return None


def _not_offered(*_: object) -> Refused:
    return Refused("This platform does not offer this through its API.", code="not-offered")
