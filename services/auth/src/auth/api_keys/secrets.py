"""What is in an API key: where it belongs, a secret, and a proof that it was made here.

    organization ‖ key ‖ 256 random bits ‖ HMAC-SHA256[:8] of all that

The proof lets junk be refused without a question to the database; what opens is the secret, of which only a keyed
hash is kept.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass, field
from uuid import UUID

from kit.http import api_keys as form
from kit.seal import Sealer

_ID, _SECRET, _PROOF = 16, 32, 8
_HINT = 4


@dataclass(frozen=True, slots=True)
class Secret:
    """A key as somebody shows it."""

    organization_id: UUID
    key_id: UUID
    hashed: bytes


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A key that has just been drawn: its text, which nobody keeps, and what is kept."""

    text: str = field(repr=False)
    hashed: bytes
    hint: str


class Secrets:
    """Draws and reads keys."""

    def __init__(self, sealer: Sealer) -> None:
        self._proof_key = sealer.derive("api-key/proof")
        self._hash_key = sealer.derive("api-key/hash")

    def draw(self, organization_id: UUID, key_id: UUID) -> NewSecret:
        """A new key for these ids."""
        said = organization_id.bytes + key_id.bytes + os.urandom(_SECRET)
        text = form.written(said + self._proof(said))
        return NewSecret(text, self._hash(said), text[-_HINT:])

    def read(self, text: str) -> Secret | None:
        """What a key says; None when it was not made here."""
        payload = form.read(text)
        if payload is None:
            return None
        said, proof = payload[:-_PROOF], payload[-_PROOF:]
        if not hmac.compare_digest(proof, self._proof(said)):
            return None
        return Secret(UUID(bytes=said[:_ID]), UUID(bytes=said[_ID : 2 * _ID]), self._hash(said))

    def _proof(self, said: bytes) -> bytes:
        return hmac.digest(self._proof_key, said, hashlib.sha256)[:_PROOF]

    def _hash(self, said: bytes) -> bytes:
        return hmac.digest(self._hash_key, said, hashlib.sha256)
