"""What somebody shows to get in, and what it is worth: plain functions."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from auth.devices.model import Recognised
from auth.sessions.model import Tokens

SIGN_IN_LIFE: Final = timedelta(minutes=10)
MOST_FACTOR_ATTEMPTS: Final = 5
"""Tries of a second factor within one sign-in; then it is over and begins anew with the first factor."""


class Proof(StrEnum):
    """What a person can show."""

    PASSWORD = "password"  # noqa: S105 - a name, not a secret
    MAIL = "mail"
    PHONE = "phone"
    FEDERATED = "federated"
    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery_code"
    DEVICE = "device"


FIRST: Final = frozenset({Proof.PASSWORD, Proof.MAIL, Proof.PHONE, Proof.FEDERATED, Proof.PASSKEY})
"""What a sign-in may begin with."""
SECOND: Final = frozenset({Proof.TOTP, Proof.PASSKEY, Proof.RECOVERY_CODE})
"""What counts beside a first one; a link or code by mail or phone never does (NIST SP 800-63B-4, 3.1.3)."""
ENOUGH: Final = SECOND | {Proof.DEVICE}
"""What spares the second factor when signing in; a remembered device does, but does not make a session strong."""


def strong(proofs: Collection[Proof]) -> bool:
    """Whether these are two distinct factors; a passkey is two by itself, since it asks for its user's presence."""
    return Proof.PASSKEY in proofs or (bool(FIRST & set(proofs)) and bool(SECOND & set(proofs)))


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a request comes from; the device is proven by its token, the rest only as far as the request says."""

    address: str = ""
    agent: str = ""
    device: UUID | None = None
    """What the device's token proves (`devices.token_id`); whose device it is, the rows say."""
    cookies: bool = False
    """Whether this is a browser that wants its tokens in cookies."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How somebody wants to come in."""

    visitor: Visitor = Visitor()
    organization_id: UUID | None = None
    remember_device: bool = False
    """Whether the second factor need not be shown on this device for a while; heeded once it was shown."""
    identity_provider_id: UUID | None = None
    """The organization's identity provider that vouches for them, where it is one."""


@dataclass(frozen=True, slots=True)
class FactorNeeded:
    """A sign-in under way: who holds the token has shown a first factor and owes one of these."""

    sign_in_token: str
    factors: tuple[Proof, ...]
    expires_in: int


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in under way as its row has it."""

    id: UUID
    user_id: UUID
    proofs: frozenset[Proof]
    organization_id: UUID | None
    identity_provider_id: UUID | None = None


Outcome = Tokens | FactorNeeded


@dataclass(frozen=True, slots=True)
class Begun:
    """What a session is made of."""

    session_id: UUID
    user_id: UUID
    token_id: UUID
    """What the token of the device proves on which it begins."""
    visitor_sealed: bytes = field(repr=False)
    proofs: Collection[str]
    strong: bool
    identity_provider_id: UUID | None = None
    """The organization's identity provider by whose word it begins, if by one."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What came of it: the device, from now on one of this person's, and whether sessions must be counted."""

    device: Recognised
    crowded: bool
    """Whether there may be more than may go on, which is counted when others that begin at once are seen, too."""
