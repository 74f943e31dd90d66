"""The form of what is sealed, and the keys that seal it."""

import os
import re
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from asyncpg.pgproto import pgproto
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kit.seal.sealer import SealBroken

KEY_BYTES: Final = 32
FORM: Final = b"\x02"  # what follows: id of the key, nonce, ciphertext, tag
NONCE_BYTES: Final = 12
_HEAD: Final = 1 + 16
SUBJECT: Final = r"[a-z][a-z_-]{0,40}:[0-9a-f-]{32,64}"
_SUBJECT: Final = re.compile(SUBJECT)
_NOBODY: Final = UUID(int=0)
SECRET: Final = "secret:"  # noqa: S105 - what subjects begin with that stand for a purpose


class KeyShredded(Exception):
    """The key was destroyed: what it sealed can never be opened again, and nothing new is sealed for its subject."""


class KeptElsewhere(Exception):
    """Keys of organizations and people are kept, destroyed and rotated by compliance, not by this service."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose key it is: the platform's, an organization's, or one subject's within either."""

    organization_id: UUID | None
    subject: str = ""

    @classmethod
    def of(cls, organization_id: UUID | None, subject: str | None) -> "Owner":
        """The owner of this name.

        Raises:
            ValueError: a subject is named by a word and an id or digest (`contact:0190…`), never by personal data.
        """
        if subject is not None and not _SUBJECT.fullmatch(subject):
            raise ValueError("name a subject by a word, a colon and an id or digest")
        return cls(organization_id, subject or "")

    @property
    def tenant(self) -> UUID:
        """The organization, or the nil UUID for the platform itself."""
        return self.organization_id or _NOBODY

    @property
    def is_platforms(self) -> bool:
        """Whether it is the platform's own, for its webhooks and hashes, rather than a customer's or person's."""
        return self.organization_id is None and (not self.subject or self.subject.startswith(SECRET))

    @property
    def parent(self) -> "Owner":
        """Whose key wraps a subject's key."""
        return Owner(self.organization_id)


@dataclass(frozen=True, slots=True)
class Key:
    """One version of one owner's key, ready for use."""

    id: UUID
    owner: Owner
    plain: bytes = field(repr=False)
    aead: AESGCM = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "aead", AESGCM(self.plain))

    def seal(self, value: bytes, place: bytes) -> bytes:
        """Encrypt, so that it opens with this key, for this organization, in this place only."""
        head, nonce = FORM + self.id.bytes, os.urandom(NONCE_BYTES)
        return head + nonce + self.aead.encrypt(nonce, value, self._bound(head, place))

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """Decrypt.

        Raises:
            SealBroken: it belongs elsewhere or was changed.
        """
        head, nonce = sealed[:_HEAD], sealed[_HEAD : _HEAD + NONCE_BYTES]
        try:
            return self.aead.decrypt(nonce, sealed[_HEAD + NONCE_BYTES :], self._bound(head, place))
        except (InvalidTag, ValueError) as error:
            raise SealBroken from error

    def _bound(self, head: bytes, place: bytes) -> bytes:
        return head + self.owner.tenant.bytes + place


def key_id_of(sealed: bytes) -> UUID:
    """Which key, in which version, sealed this.

    Raises:
        SealBroken: it has not the form that a keyring makes.
    """
    if sealed[:1] != FORM or len(sealed) < _HEAD + NONCE_BYTES:
        raise SealBroken
    return pgproto.UUID(sealed[1:_HEAD])  # the same, made in a tenth of the time


def wrap_context(key_id: UUID, owner: Owner) -> bytes:
    """What a wrapped key is bound to: exchanged for another row's, it does not open."""
    return b"seal-key" + key_id.bytes + owner.tenant.bytes + owner.subject.encode()
