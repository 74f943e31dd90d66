"""A subscription that is bought without an account, and the code by which it is claimed later."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.catalogue.model import Interval

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is read as another or as a digit."""

LENGTH: Final = 26


@dataclass(frozen=True, slots=True)
class Purchase:
    """What somebody buys; nobody's until it is claimed."""

    id: UUID
    plan: str
    plan_version: int
    interval: Interval
    currency: str
    state: str
    stripe_session_id: str | None


def new_code() -> str:
    """A code of 130 random bits: so many that its bare hash cannot be tried out."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def hash_of(code: str) -> bytes:
    """What is kept of a code; auth makes the same of the code that it is shown."""
    return hashlib.sha256(code.encode("ascii")).digest()
