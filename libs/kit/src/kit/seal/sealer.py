"""Sealing of small secrets at rest: AES-256-GCM with associated data; keys for other purposes by HKDF-SHA256."""

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES = 32
_NONCE_BYTES = 12
_FORM = b"\x01"  # the layout of what follows: nonce, ciphertext, tag


class BadSealingKey(ValueError):
    """The sealing key must be 32 random bytes in base64url."""

    def __init__(self) -> None:
        super().__init__("must be 32 random bytes in base64url")


class SealBroken(Exception):
    """The sealed value was changed, or belongs to another key or another place."""


class Sealer:
    """Seals and opens values under one master key.

    The associated data binds a sealed value to its place (table, column, row): moved elsewhere, it does not open.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise BadSealingKey
        self._key = key
        self._aead = AESGCM(self.derive("seal"))

    @classmethod
    def from_text(cls, text: str) -> "Sealer":
        """Read the key as base64url, with or without padding.

        Raises:
            BadSealingKey: it is not 32 bytes in base64url.
        """
        try:
            return cls(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        except binascii.Error as error:
            raise BadSealingKey from error

    def seal(self, value: bytes, place: bytes) -> bytes:
        """Encrypt `value` so that it opens only with the same `place`."""
        nonce = os.urandom(_NONCE_BYTES)
        return _FORM + nonce + self._aead.encrypt(nonce, value, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """Decrypt what `seal` made.

        Raises:
            SealBroken: wrong key, wrong place or changed bytes.
        """
        if sealed[:1] != _FORM:
            raise SealBroken
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._aead.decrypt(nonce, ciphertext, place)
        except (InvalidTag, ValueError) as error:
            raise SealBroken from error

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for another purpose; knowing it tells nothing of the master key (RFC 5869)."""
        return HKDF(hashes.SHA256(), _KEY_BYTES, salt=None, info=f"rostrum/{purpose}".encode()).derive(self._key)
