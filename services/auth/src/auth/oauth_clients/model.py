"""What a partner's program is: plain functions of values."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from auth.members.permissions import Role
from auth.oauth_clients.errors import ClientRoleTooHigh, ClientUseless

LONGEST_OVERLAP: Final = timedelta(days=7)
MOST_CLIENTS: Final = 50
LONGEST_URI: Final = 500


@dataclass(frozen=True, slots=True)
class Registration:
    """What an organization says of its program."""

    name: str
    redirect_uris: Sequence[str]
    scopes: Sequence[str]
    role: Role | None = None

    def check(self, managed: frozenset[Role], *, public: bool) -> None:
        """Whether somebody who manages these roles may register this.

        Raises:
            ClientRoleTooHigh: it would be more than they are, or an owner.
            ClientUseless: nobody could use it.
        """
        if self.role is not None and (self.role is Role.OWNER or self.role not in managed):
            raise ClientRoleTooHigh
        if (self.role is None or public) and not self.redirect_uris:
            raise ClientUseless
        if public and self.role is not None:
            raise ClientUseless


@dataclass(frozen=True, slots=True)
class Client:
    """A registered program."""

    id: UUID
    organization_id: UUID
    public: bool
    registration: Registration
    secrets: Sequence[bytes]
    """Keyed hashes of what it may show: its secret, and until the overlap is over the one before."""
    made_by: UUID | None
    version: int
    ended_at: datetime | None
    created_at: datetime
    old_secret_until: datetime | None

    @property
    def name(self) -> str:
        """What people are told of it."""
        return self.registration.name

    @property
    def redirect_uris(self) -> Sequence[str]:
        """Where people may be sent back to."""
        return self.registration.redirect_uris

    @property
    def scopes(self) -> Sequence[str]:
        """The most it may be given."""
        return self.registration.scopes

    @property
    def role(self) -> Role | None:
        """What it is in its own organization when it acts for nobody."""
        return self.registration.role

    def shows(self, hashed: bytes) -> bool:
        """Whether this is the hash of a secret of the program's."""
        return any([hmac.compare_digest(hashed, each) for each in self.secrets])  # noqa: C419 - all are compared

    def returns_to(self, uri: str) -> bool:
        """Whether people may be sent to this address: one that is registered, letter by letter.

        Of a program on the person's own machine the port may be another (RFC 8252, section 7.3).
        """
        bare = _without_port(uri)
        return uri in self.redirect_uris or (bare != "" and bare in map(_without_port, self.redirect_uris))


@dataclass(frozen=True, slots=True)
class MadeClient:
    """A program with its secret, which is there once; none where it is public, or was shown before."""

    client: Client
    secret: str | None


def redirect_uri(text: str) -> str:
    """An address that may be registered: over TLS, or on the person's own machine; exact, without a fragment.

    Raises:
        ValueError: it is another.
    """
    if (
        not text.isascii()
        or not text.isprintable()
        or any(letter in text for letter in ' "\\<>^`{|}*')
        or "#" in text
    ):
        raise ValueError("must be a plain address without a fragment or wildcard")
    parts = urlsplit(text)
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise ValueError("must name a host, and nobody's password")
    if "/../" in f"{parts.path}/" or "/./" in f"{parts.path}/":
        raise ValueError("must not have dot segments")
    if parts.scheme != "https" and not _on_own_machine(parts):
        raise ValueError("must begin with https://, or with http:// and a loopback address such as 127.0.0.1")
    _ = parts.port  # raises ValueError when it is none
    return text


def _on_own_machine(parts: SplitResult) -> bool:
    if parts.scheme != "http" or not parts.hostname:
        return False
    try:
        return ip_address(parts.hostname).is_loopback
    except ValueError:
        return False


def _without_port(uri: str) -> str:
    """A loopback address without its port; nothing for every other."""
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return ""
    if not _on_own_machine(parts) or parts.fragment or "@" in parts.netloc:
        return ""
    return f"{parts.hostname} {parts.path}?{parts.query}"
