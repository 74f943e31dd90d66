"""Tokens that prove themselves: ids, a counter and a keyed hash; nothing secret is stored anywhere.

A token holds `form ‖ id … ‖ counter ‖ HMAC-SHA256[:16]` in base64url. Each purpose has a key of its own, so a token
of one purpose is junk for every other, and junk is recognised without asking the database.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

from kit.seal import Sealer

_FORM = b"\x01"
_ID, _COUNTER, _PROOF = 16, 4, 16


class TokenForged(ValueError):
    """This was not made here, or not for this purpose."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says: the ids it was made for, and a counter."""

    ids: tuple[UUID, ...]
    counter: int


class TokenMint:
    """Makes and reads the tokens of one purpose, which all hold the same number of ids."""

    def __init__(self, sealer: Sealer, purpose: str, ids: int = 1) -> None:
        self._key = sealer.derive(f"token/{purpose}")
        self._ids = ids
        self._length = len(_FORM) + ids * _ID + _COUNTER + _PROOF

    def make(self, *ids: UUID, counter: int = 0) -> str:
        """The token for these ids and this counter: always the same one."""
        if len(ids) != self._ids:
            raise ValueError(f"tokens of this purpose hold {self._ids} ids")
        said = _FORM + b"".join(each.bytes for each in ids) + counter.to_bytes(_COUNTER)
        return base64.urlsafe_b64encode(said + self._proof(said)).rstrip(b"=").decode("ascii")

    def read(self, text: str) -> Token:
        """What the token says.

        Raises:
            TokenForged: it was not made by `make` of this purpose, byte for byte.
        """
        raw = self._raw(text)
        said, proof = raw[:-_PROOF], raw[-_PROOF:]
        if said[:1] != _FORM or not hmac.compare_digest(proof, self._proof(said)):
            raise TokenForged
        ids = tuple(UUID(bytes=said[at : at + _ID]) for at in range(1, 1 + self._ids * _ID, _ID))
        return Token(ids, int.from_bytes(said[-_COUNTER:]))

    def _raw(self, text: str) -> bytes:
        if len(text) > 256:
            raise TokenForged
        try:
            raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error) as error:
            raise TokenForged from error
        if len(raw) != self._length or base64.urlsafe_b64encode(raw).rstrip(b"=") != text.encode("ascii"):
            raise TokenForged  # another length, or not the one canonical spelling
        return raw

    def _proof(self, said: bytes) -> bytes:
        return hmac.digest(self._key, said, hashlib.sha256)[:_PROOF]
