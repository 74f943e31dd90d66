"""What the publisher needs of a platform; what each accepts stands in postrules."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from kit.ledger.model import Look, Receipt
from publisher.accounts.model import AccountKind


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
    """An account that tokens open."""

    kind: AccountKind
    external_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One post on its way: what is said by whom, and what a look must not take for it.

    `since` is when the first attempt to send it began, None before one. `taken` are posts that are known as others of
    ours. `behind` says that an earlier delivery of the same text is being looked for, which comes first.
    """

    account_id: UUID
    author: str
    text: str
    access_token: str | None
    since: datetime | None = None
    taken: frozenset[str] = frozenset()
    behind: bool = False

    def __repr__(self) -> str:
        return f"Outgoing({self.account_id})"


class Platform(Protocol):
    """One platform's API. What is raised are the ledger's outcomes."""

    @property
    def on(self) -> bool:
        """Whether it is set up here."""

    def consent_url(self, state: str) -> str:
        """Where a person gives us the permission."""

    async def exchange(self, code: str) -> Tokens:
        """Tokens for a code, which is spent by this.

        Raises:
            Refused: there are none to be had by this code any more; the person must begin again.
        """

    async def identities(self, kind: AccountKind, tokens: Tokens) -> list[Identity]:
        """The accounts of this kind that the tokens open.

        Raises:
            Refused: there is none, or it cannot be read.
        """

    async def renew(self, refresh_token: str) -> Tokens:
        """New tokens; asking twice harms nothing.

        Raises:
            Refused: the permission has ended.
            NotAccepted: not now.
        """

    async def publish(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt:
        """Publish, once; `again` says that an attempt before may have succeeded.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: as the ledger means them.
        """

    async def look(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Whether it is live.

        Raises:
            NotAccepted, Parked, Unanswered: it could not be looked for now.
        """

    def url_of(self, external_id: str) -> str:
        """Where people see it."""
