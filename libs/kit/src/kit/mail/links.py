"""Addresses as keyed hashes, and links by which somebody without any account can say that it is enough."""

import base64
import binascii
import hashlib
import hmac
import unicodedata
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

import idna

from kit.mail.errors import UnsubscribeLinkForged
from kit.seal import Keyring

_FORM: Final = b"\x01"
_HASH, _ID, _PROOF = 32, 16, 16
_NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """What a link says: which address, known by its keyed hash alone, does not want what, and whose account it is."""

    address_hash: bytes
    category: str
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class MailSecret:
    """The secret of a service by which addresses are hashed and links signed; it never changes."""

    value: bytes

    @classmethod
    async def of(cls, keyring: Keyring) -> Self:
        """The service's own, made at its first use."""
        return cls(await keyring.secret(None, "mail"))

    def hashed(self, address: str) -> bytes:
        """What an address is looked up by; spellings of one mailbox have one hash."""
        return hmac.digest(self.value, b"address/" + normalised(address).encode(), hashlib.sha256)

    def token(self, said: Unsubscription) -> str:
        """The token for this: always the same one, without the address."""
        raw = _FORM + said.address_hash + (said.user_id or _NOBODY).bytes + said.category.encode()
        return base64.urlsafe_b64encode(raw + self._proof(raw)).rstrip(b"=").decode("ascii")

    def read(self, token: str) -> Unsubscription:
        """What a token says.

        Raises:
            UnsubscribeLinkForged: it was not made by `token`, byte for byte.
        """
        raw = _raw(token)
        said, proof = raw[:-_PROOF], raw[-_PROOF:]
        if said[:1] != _FORM or not hmac.compare_digest(proof, self._proof(said)):
            raise UnsubscribeLinkForged
        user_id = UUID(bytes=said[1 + _HASH : 1 + _HASH + _ID])
        category = said[1 + _HASH + _ID :].decode()
        return Unsubscription(said[1 : 1 + _HASH], category, None if user_id == _NOBODY else user_id)

    def _proof(self, said: bytes) -> bytes:
        return hmac.digest(self.value, b"unsubscribe/" + said, hashlib.sha256)[:_PROOF]


def normalised(address: str) -> str:
    """One spelling of an address to compare by: NFKC, case-folded, the domain as mail servers know it."""
    local, _, domain = unicodedata.normalize("NFKC", address.strip()).rpartition("@")
    try:
        domain = idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        domain = domain.lower()
    return f"{unicodedata.normalize('NFKC', local.casefold())}@{domain}"


def _raw(token: str) -> bytes:
    if len(token) > 512:
        raise UnsubscribeLinkForged
    try:
        text = token.encode("ascii")
        raw = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise UnsubscribeLinkForged from error
    if len(raw) <= 1 + _HASH + _ID + _PROOF or base64.urlsafe_b64encode(raw).rstrip(b"=") != text:
        raise UnsubscribeLinkForged  # too short, or not the one canonical spelling
    return raw
