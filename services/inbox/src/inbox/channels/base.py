"""What the inbox needs of a platform: what comes in, what may go out and when, and what its errors mean.

One folder speaks for one platform; everything else knows only what stands here (docs/howto/add-a-channel.md).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol
from uuid import UUID

from inbox.channels.catalogue import Catalogue
from inbox.messages.model import Content, Direction

IdentityKind = Literal[
    "bsuid",
    "whatsapp_id",
    "parent_bsuid",
    "phone",
    "messenger_id",
    "instagram_id",
    "email",
    "customer_id",
    "visitor",
]
Tag = Literal["human_agent"]

HUMAN_AGENT: Final[Tag] = "human_agent"

Measure = Callable[[str], tuple[str, int]]
"""In which alphabet a text is sent, and in how many parts."""


@dataclass(frozen=True, slots=True)
class Identity:
    """By what somebody is known; `scope` is the business account for ids that only mean something within one."""

    kind: IdentityKind
    value: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Medium:
    """A medium that came with a message: by the platform's id, or at an address that leads to it for a while."""

    id: str
    kind: str
    media_type: str
    sha256: str
    filename: str
    url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class About:
    """The message another one is about, and in which way."""

    kind: Literal["reaction", "edit", "revoke"]
    target: str


@dataclass(frozen=True, slots=True)
class Said:
    """A message that came in. `known_as` lists identities, the surest first; `formerly` is who it was.

    With direction `out` the organization has written it elsewhere, in the platform's own app: `known_as` is to whom,
    and `ours` what we had put into it, if we had. `opens` says that the window counts from it, `counts` that somebody
    has to read it, `opts` that the contact wants no more messages, or wants them again. What is not `proven` was
    typed by whoever it was: a name in it names a newcomer, and nobody who is known already.
    """

    provider_id: str
    kind: str
    time: datetime | None
    known_as: Sequence[Identity]
    name: str
    content: Content
    reply_to: str = ""
    media: tuple[Medium, ...] = ()
    about: About | None = None
    formerly: Sequence[Identity] = field(default=())
    group: str = ""
    direction: Direction = "in"
    ours: str = ""
    opens: bool = True
    counts: bool = True
    opts: Literal["", "out", "in"] = ""
    proven: bool = True

    @property
    def medium(self) -> Medium | None:
        """The first medium, of a platform that sends no more than one."""
        return self.media[0] if self.media else None

    @property
    def unusable(self) -> str:
        """Why it cannot become one of a conversation; empty when it can."""
        if not self.provider_id:
            return "a message without an id"
        if self.group:
            return "a message to a group"
        return "" if self.known_as or self.formerly else "a message without a sender"


@dataclass(frozen=True, slots=True)
class Report:
    """What the platform reports of a message of ours; `ours` is what we had put into it."""

    provider_id: str
    status: str
    time: datetime | None
    ours: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """The contact has received, or read, all that was sent to them until then."""

    known_as: Sequence[Identity]
    status: Literal["delivered", "read"]
    until: datetime


@dataclass(frozen=True, slots=True)
class Preference:
    """The contact has told the platform that they want marketing messages of this business, or no more."""

    known_as: Sequence[Identity]
    wants: bool
    time: datetime | None


@dataclass(frozen=True, slots=True)
class Window:
    """How long after their last message a contact may be written to; with `lasts` None always.

    `extended` is how long a person may still answer under the tag `human_agent`, `beyond` what may be sent whenever.
    """

    lasts: timedelta | None
    extended: timedelta | None = None
    beyond: frozenset[str] = frozenset()

    def extended_until(self, open_until: datetime | None) -> datetime | None:
        """Until when somebody of the team may answer under a tag."""
        if self.lasts is None or self.extended is None or open_until is None:
            return None
        return open_until + (self.extended - self.lasts)

    def allows(self, kind: str, tag: str, open_until: datetime | None, now: datetime) -> bool:
        """Whether a message of this kind may be sent now."""
        if self.lasts is None or kind in self.beyond:
            return True
        if open_until is not None and now < open_until:
            return True
        extended = self.extended_until(open_until)
        return tag == HUMAN_AGENT and extended is not None and now < extended


@dataclass(frozen=True, slots=True)
class Pair:
    """How often one end may write to one person: at most `burst` messages within any such time."""

    burst: int
    within: timedelta

    def free_at(self, times: Sequence[datetime], at: datetime) -> datetime | None:
        """When one may leave that is to leave then, beside those of these times, in their order; None: as it is to.

        What leaves later than it does not stand in its way: that is its own matter.
        """
        recent = [each for each in times if at - self.within < each <= at]
        return None if len(recent) < self.burst else recent[-self.burst] + self.within


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can do, as data: nobody asks it for what is not here.

    `sends` are kinds of messages, `reached_by` the identities a message can go to, the surest first. `rate` is how
    many messages per second it takes when nobody says otherwise. `names_people` says that a name must be asked for;
    `measure` counts the parts a text is sent in, of which there are at most `most_parts`. `local` says that a message
    lies with us until it is fetched: there is no call that could be lost. `pair` is how often one may write to one
    person.
    """

    sends: frozenset[str]
    reached_by: tuple[IdentityKind, ...]
    window: Window
    text_length: int
    rate: int
    measure: Measure | None = None
    most_parts: int = 1
    quotes: bool = False
    captions: bool = True
    shows_read: bool = False
    shows_typing: bool = False
    names_people: bool = False
    local: bool = False
    pair: Pair | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Our end of a channel: the platform's id of it, and what lets us use it."""

    external_id: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wish:
    """A channel that somebody wants to connect."""

    external_id: str
    account_id: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How fast, and to how many people, an end may write by the platform's word; None where it tells nothing.

    `rate` is in messages per second, `daily_limit` in people written to first within 24 hours over all numbers of the
    portfolio, 0 for no limit.
    """

    rate: int | None = None
    coexists: bool | None = None
    quality: str | None = None
    daily_limit: int | None = None
    portfolio: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """What a platform tells of our end when it lets us use it."""

    name: str
    display: str
    standing: Standing = Standing()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message on its way out; `quoted` is the platform's id of the message it answers or is about."""

    message_id: UUID
    line: Line
    to: Identity
    kind: str
    content: Content = field(repr=False)
    quoted: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class MediaPlace:
    """Where a medium can be fetched just now, and what it is announced to be."""

    url: str = field(repr=False)
    media_type: str = ""
    sha256: str = ""
    size: int = 0


class Platform(Protocol):
    """One platform's API. What is raised are the ledger's outcomes: Refused, NotAccepted, Parked, Unanswered."""

    @property
    def kind(self) -> str:
        """Its name in rows and in the API."""

    @property
    def on(self) -> bool:
        """Whether it is set up here."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    @property
    def errors(self) -> Catalogue:
        """What its errors mean."""

    async def account(self, wish: Wish, token: str, attempt: int) -> Account:
        """What it says of our end, which only a good token may read; also lets it tell us what comes in.

        Raises:
            Refused: this token may not use it; with the code `account-refused` when the account is not its own.
        """

    async def send(self, outgoing: Outgoing, attempt: int) -> str:
        """Send a message, once; the platform's id of it."""

    async def mark_read(self, line: Line, to: Identity, provider_id: str, attempt: int) -> None:
        """Show the contact that their message, and all before it, was read."""

    async def type(self, line: Line, to: Identity, provider_id: str, attempt: int) -> None:
        """Show the contact that somebody is writing; it ends by itself."""

    async def name(self, line: Line, of: Identity, attempt: int) -> str:
        """What somebody calls themselves; empty when the platform does not tell."""

    async def place(self, line: Line, medium: Medium, attempt: int) -> MediaPlace:
        """Where a medium that came in can be fetched."""

    async def download(self, line: Line, place: MediaPlace, at_most: int, attempt: int) -> bytes:
        """The bytes of a medium.

        Raises:
            Refused: it is larger than allowed, or lies where no medium of the platform lies.
        """


Platforms = Mapping[str, Platform]
"""The platforms by their kinds."""


def recipient(known_as: Sequence[Identity], reached_by: Sequence[IdentityKind]) -> Identity | None:
    """Whom it goes to: of the surest kind the one that was used last."""
    return next((each for kind in reached_by for each in known_as if each.kind == kind), None)
