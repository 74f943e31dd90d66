"""Signing in by the word of somebody else: what is remembered of it, and what follows from what they say."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from auth.accounts.address import AddressInvalid, EmailAddress
from auth.federation.errors import AddressNotVerifiedThere, ProviderOfAnotherDomain
from auth.members.permissions import Role
from auth.openid.model import Assertion

FLOW_LIFE: Final = timedelta(minutes=10)
CALLBACK: Final = "/v1/federation/callback"
LONGEST_CODE: Final = 4096
MOST_IDENTITIES: Final = 20


class ProviderKind(StrEnum):
    """Who vouches."""

    GOOGLE = "google"
    GITHUB = "github"
    ORGANIZATION = "organization"


class Purpose(StrEnum):
    """What a person goes to a provider for."""

    SIGN_IN = "sign_in"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which provider: one of the platform's, or one of an organization's."""

    kind: ProviderKind
    provider_id: UUID | None = None
    organization_id: UUID | None = None

    @property
    def callback(self) -> str:
        """Where browsers come back from it: a path for each, so that no provider can hand in another's code."""
        return f"{CALLBACK}/{self.provider_id or self.kind}"


@dataclass(frozen=True, slots=True)
class Flow:
    """One way to a provider and back."""

    id: UUID
    purpose: Purpose
    chosen: Chosen
    redirect: str
    user_id: UUID | None = None
    """Who links, when that is what it is for."""
    session_id: UUID | None = None
    wished_organization_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A flow that was claimed: nobody else can go on with it."""

    flow: Flow
    sealed: bytes = field(repr=False)
    """What the browser brought back."""
    age: timedelta


@dataclass(frozen=True, slots=True)
class Known:
    """What the rows say of somebody a provider vouches for."""

    linked_user_id: UUID | None
    holder_id: UUID | None
    """Who has proven the address here."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An account at a provider; `address` is there once it was opened."""

    id: UUID
    user_id: UUID
    kind: ProviderKind
    organization_id: UUID | None
    sealed: bytes = field(repr=False)
    used_at: datetime
    linked_at: datetime
    address: str | None = field(default=None, repr=False)

    @property
    def provider(self) -> ProviderKind:
        """Who vouches."""
        return self.kind


class Way(StrEnum):
    """What follows."""

    SIGN_IN = "sign_in"
    LINK = "link"
    REGISTER = "register"


@dataclass(frozen=True, slots=True)
class Trust:
    """What a provider is believed about addresses: which domains are its own (None: any), and silence or not."""

    domains: frozenset[str] | None = None
    silence_is_verified: bool = False
    joins_as: Role | None = None
    """What becomes of who is not a member of the provider's organization yet; None: nothing, they are sent away."""

    def address(self, assertion: Assertion) -> EmailAddress | None:
        """The address, if it counts as proven.

        Raises:
            ProviderOfAnotherDomain: it lies outside the domains of whoever says so.
        """
        try:
            found = None if assertion.address is None else EmailAddress.parse(assertion.address)
        except AddressInvalid:
            found = None
        if self.domains is not None and (found is None or domain_of(found) not in self.domains):
            raise ProviderOfAnotherDomain
        verified = self.silence_is_verified if assertion.verified is None else assertion.verified
        return found if verified else None


def decide(known: Known, proven: EmailAddress | None) -> Way:
    """What follows from what a provider says of somebody.

    A subject that is linked is that person, whatever address the provider shows now. Else only an address that the
    provider has verified says anything, and it is linked to an account by itself only where that account has proven
    the same address: no other account has an address. A sign-up that nobody has confirmed is none, so whoever began
    one with somebody else's address shares nothing with its owner.

    Raises:
        AddressNotVerifiedThere: they must sign in in another way and link the provider themselves.
    """
    if known.linked_user_id is not None:
        return Way.SIGN_IN
    if proven is None:
        raise AddressNotVerifiedThere
    return Way.REGISTER if known.holder_id is None else Way.LINK


def domain_of(email: EmailAddress) -> str:
    """The domain of an address, in lower-case ASCII."""
    return email.value.rpartition("@")[2]


def cookie_of(flow_id: UUID) -> str:
    """The cookie by which the browser is known that began a flow; bound to this host by its prefix."""
    return f"__Host-federation-{flow_id.hex}"


@dataclass(frozen=True, slots=True)
class FlowSecrets:
    """PKCE verifier and nonce of a flow, computed anew when needed: they stand in no row."""

    key: bytes = field(repr=False)

    def verifier(self, flow_id: UUID) -> str:
        """43 characters that only we can compute (RFC 7636)."""
        return self._of(b"verifier", flow_id)

    def challenge(self, flow_id: UUID) -> str:
        """What the provider is shown of the verifier before."""
        return _text(hashlib.sha256(self.verifier(flow_id).encode()).digest())

    def nonce(self, flow_id: UUID) -> str:
        """What the id_token of this flow must repeat."""
        return self._of(b"nonce", flow_id)

    def _of(self, what: bytes, flow_id: UUID) -> str:
        return _text(hmac.digest(self.key, what + b"\0" + flow_id.bytes, hashlib.sha256))


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")
