"""Who may start or link a subscription, and why not: plain functions."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from auth.eligibility.errors import CodeMalformed

FREE: Final = "free"
LIFE: Final = timedelta(days=14)
MOST_OWNED: Final = 100
_CODE: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
"""130 random bits in Crockford's base 32: so a bare hash of it cannot be tried out."""


class Reason(StrEnum):
    """Why a subscription cannot be started or linked now."""

    ADDRESS_NOT_VERIFIED = "address-not-verified"
    ACCOUNT_SUSPENDED = "account-suspended"
    NO_ORGANIZATION = "no-organization"
    SUBSCRIBED_ALREADY = "subscribed-already"
    CLAIM_PENDING = "claim-pending"


SAYS: Final[dict[Reason, str]] = {
    Reason.ADDRESS_NOT_VERIFIED: "Prove your address first: follow the link that we have sent.",
    Reason.ACCOUNT_SUSPENDED: "This account has been suspended; ask the support.",
    Reason.NO_ORGANIZATION: "You own no organization; create one first.",
    Reason.SUBSCRIBED_ALREADY: "This organization has a subscription already.",
    Reason.CLAIM_PENDING: "This organization has claimed a subscription that is being looked for.",
}


class ClaimState(StrEnum):
    """Where a claim stands."""

    PENDING = "pending"
    LINKED = "linked"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Claim:
    """A subscription bought before signing up, as an organization claims it."""

    id: UUID
    code_hash: bytes
    state: ClaimState
    version: int
    expires_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Owned:
    """An organization of somebody, as far as it matters for a subscription; plan None is not known yet."""

    organization_id: UUID
    plan: str | None
    claim_pending: bool

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why none can be started for it."""
        subscribed = self.plan not in (None, FREE)
        return (Reason.SUBSCRIBED_ALREADY,) * subscribed + (Reason.CLAIM_PENDING,) * self.claim_pending


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether somebody may start or link a subscription, and for which of their organizations."""

    verified: bool
    suspended: bool
    owned: Sequence[Owned]

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why they may not, whatever the organization."""
        return (
            (Reason.ADDRESS_NOT_VERIFIED,) * (not self.verified)
            + (Reason.ACCOUNT_SUSPENDED,) * self.suspended
            + (Reason.NO_ORGANIZATION,) * (not self.owned)
        )

    @property
    def eligible(self) -> bool:
        """Whether there is an organization for which they may."""
        return not self.reasons and any(not each.reasons for each in self.owned)


def hash_of(code: str) -> bytes:
    """What the code of a purchase is found by: SHA-256 of its 26 characters, however it was typed.

    Raises:
        CodeMalformed: it is no such code.
    """
    plain = re.sub(r"[\s-]", "", code).upper().translate(str.maketrans("OIL", "011"))
    if not _CODE.fullmatch(plain):
        raise CodeMalformed
    return hashlib.sha256(plain.encode("ascii")).digest()
