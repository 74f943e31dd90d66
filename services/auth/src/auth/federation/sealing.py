"""Subjects of providers at rest: found by a keyed hash, sealed under the key of the person they are."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from auth.openid.model import Assertion
from kit.seal import Keyring

_PURPOSE: Final = "auth federated identities"
_PLACE: Final = b"federated_identities.sealed:"


@dataclass(frozen=True, slots=True)
class Subjects:
    """Hashes, seals and opens what providers call people by."""

    keyring: Keyring

    async def blind(self, realm: str, subject: str) -> bytes:
        """By what a subject is found: together with the provider, so that none can name another's people."""
        secret = await self.keyring.secret(None, _PURPOSE)
        named = hashlib.sha256(realm.encode()).digest()
        return hmac.digest(secret, b"subject\0" + named + subject.encode(), hashlib.sha256)

    async def seal(self, user_id: UUID, identity_id: UUID, assertion: Assertion) -> bytes:
        """What the provider said, for its person to see.

        Raises:
            KeyShredded: the person was forgotten.
        """
        said = orjson.dumps({"subject": assertion.subject, "address": (assertion.address or "")[:320] or None})
        return await self.keyring.seal(None, said, _PLACE + identity_id.bytes, subject=f"user:{user_id}")

    async def open(self, several: Sequence[tuple[UUID, bytes]]) -> list[dict[str, Any] | None]:
        """What providers said, by row; None where the person was forgotten."""
        opened = await self.keyring.open_many(None, [(sealed, _PLACE + row_id.bytes) for row_id, sealed in several])
        return [None if each is None else orjson.loads(each) for each in opened]
