"""The key at the top: it wraps keys and nothing else, and may live where no process can read it."""

import hashlib
import os
from collections.abc import Sequence
from typing import Final, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kit.seal.sealer import SealBroken, Sealer

_NONCE_BYTES: Final = 12


class UnknownMasterKey(Exception):
    """A key was wrapped under a master key that this process was not given."""


class MasterKey(Protocol):
    """Wraps and unwraps keys; `key_id` names the key that wraps now and is stored beside what it wrapped."""

    @property
    def key_id(self) -> str:
        """The name of the key that wraps now; tells nothing of the key."""

    async def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt a key so that it opens with the same context only."""

    async def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt what the key of that name wrapped.

        Raises:
            UnknownMasterKey: we do not have the key of that name.
            SealBroken: changed bytes or another context.
        """


class LocalMasterKey:
    """A master key from the settings; older ones only unwrap, until everything is wrapped anew."""

    def __init__(self, key: Sealer, older: Sequence[Sealer] = ()) -> None:
        self._keys = {_name(each): AESGCM(each.derive("wrap")) for each in (*older, key)}
        self._key_id = _name(key)

    @classmethod
    def from_text(cls, key: str, older: Sequence[str] = ()) -> Self:
        """Read the keys as base64url.

        Raises:
            BadSealingKey: one is not 32 bytes in base64url.
        """
        return cls(Sealer.from_text(key), [Sealer.from_text(each) for each in older])

    @property
    def key_id(self) -> str:
        """A fingerprint of the key."""
        return self._key_id

    async def wrap(self, key: bytes, context: bytes) -> bytes:
        """Nonce, ciphertext, tag."""
        return wrapped_under(self._keys[self._key_id], key, context)

    async def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        """The key that was wrapped."""
        if key_id not in self._keys:
            raise UnknownMasterKey(key_id)
        return unwrapped_under(self._keys[key_id], wrapped, context)


def wrapped_under(aead: AESGCM, key: bytes, context: bytes) -> bytes:
    """A key, encrypted under another."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + aead.encrypt(nonce, key, context)


def unwrapped_under(aead: AESGCM, wrapped: bytes, context: bytes) -> bytes:
    """The key again.

    Raises:
        SealBroken: another key, another context or changed bytes.
    """
    try:
        return aead.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise SealBroken from error


def _name(key: Sealer) -> str:
    return "local:" + hashlib.sha256(key.derive("name")).hexdigest()[:16]
