"""A consent that was asked for, and what comes back."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kit.ledger.model import Lane
from postrules.limits import Platform
from publisher.accounts.model import AccountKind

CONSENT_WITHIN: Final = timedelta(minutes=10)
LONGEST: Final = 4096
_BY_THE_PERSON: Final = ("user_cancelled", "access_denied")


@dataclass(frozen=True, slots=True)
class Return:
    """How a browser comes back from the platform: nothing of it is believed before the state is."""

    platform: Platform
    state: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    error: str = ""
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def readable(self) -> bool:
        """Whether the state can be one of ours."""
        return 0 < len(self.state) <= LONGEST


@dataclass(frozen=True, slots=True)
class Connection:
    """A consent that was asked for: by whom, and in which browser."""

    id: UUID
    organization_id: UUID
    user_id: UUID
    platform: Platform
    kind: AccountKind
    browser_hash: bytes
    expires_at: datetime

    @property
    def cookie(self) -> str:
        """The name of the cookie by which the browser is known that asked."""
        return cookie_of(self.id)

    @property
    def lane(self) -> Lane:
        """Where codes are exchanged: apart from what is published, and without a pace."""
        return Lane(self.organization_id, f"{self.platform}-connect")

    def problem(self, back: Return, now: datetime) -> str:
        """Why this return connects nothing, as a name; empty when its code may be exchanged."""
        if back.platform.value != self.platform.value:
            return "state-unknown"
        if not hmac.compare_digest(hashed(back.cookies.get(self.cookie, "")), self.browser_hash):
            return "other-browser"
        if self.expires_at <= now:
            return "expired"
        if back.error:
            return "cancelled" if back.error.startswith(_BY_THE_PERSON) else "refused"
        return "" if 0 < len(back.code) <= LONGEST else "no-code"


@dataclass(frozen=True, slots=True)
class Asked:
    """Where to send the person, and the secret that their browser keeps meanwhile."""

    id: UUID
    authorization_url: str
    expires_at: datetime
    browser_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Came:
    """What came of it: the accounts that are connected now, or a problem by its name, or both.

    Both, where the plan has room for some of the accounts only.
    """

    connection_id: UUID | None = None
    connected: tuple[UUID, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Brought:
    """What a browser brings to the exchange: a code, and PKCE's verifier (RFC 7636)."""

    code: str
    verifier: str

    def __repr__(self) -> str:
        return "Brought(…)"

    def packed(self) -> bytes:
        """As it is sealed."""
        return f"{self.verifier}\n{self.code}".encode("utf-8", "replace")

    @classmethod
    def unpacked(cls, value: bytes) -> "Brought":
        """What was sealed."""
        verifier, _, code = value.decode().partition("\n")
        return cls(code, verifier)


def verifier_of(secret: str) -> str:
    """PKCE's verifier, made from the secret of the browser's cookie: so it need not be kept here meanwhile."""
    return _text(hmac.digest(secret.encode("utf-8", "surrogatepass"), b"verifier of PKCE", "sha256"))


def challenge_of(secret: str) -> str:
    """The challenge of that verifier, by S256."""
    return _text(hashlib.sha256(verifier_of(secret).encode()).digest())


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def cookie_of(connection_id: UUID) -> str:
    """The name of the cookie of a connection."""
    return f"connect_{connection_id.hex}"


def code_place(connection_id: UUID) -> bytes:
    """The place of a sealed code."""
    return f"connections/{connection_id}/code".encode()


def hashed(secret: str) -> bytes:
    """A secret of 256 random bits as it is stored."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
