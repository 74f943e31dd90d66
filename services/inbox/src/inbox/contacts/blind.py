"""Values that must be found again but not be read: numbers and the platform's ids, as keyed hashes."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final
from uuid import UUID

from kit.seal import Keyring

_PURPOSE: Final = "inbox identities"
_BLOCK: Final = 64
_INNER: Final = bytes(each ^ 0x36 for each in range(256))
_OUTER: Final = bytes(each ^ 0x5C for each in range(256))


class Blind:
    """Hashes values of one organization; the same value under another organization looks different.

    HMAC-SHA256 (RFC 2104), the two blocks of its key hashed once: files bring values by the million.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = key.ljust(_BLOCK, b"\0")
        self._inner, self._outer = sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))

    def __call__(self, kind: str, value: str) -> bytes:
        """The hash of a value of this kind."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(f"{kind}\0{value}".encode(errors="surrogatepass"))
        outer.update(inner.digest())
        return outer.digest()

    def each(self, kind: str, values: Iterable[str | None]) -> list[bytes]:
        """The hashes of values of one kind, in their order; empty where there is none."""
        start, finish = self._inner.copy, self._outer.copy
        before, found = f"{kind}\0".encode(errors="surrogatepass"), list[bytes]()
        for value in values:
            if value is None:
                found.append(b"")
                continue
            inner, outer = start(), finish()
            inner.update(before + value.encode(errors="surrogatepass"))
            outer.update(inner.digest())
            found.append(outer.digest())
        return found


async def blind_of(keyring: Keyring, organization_id: UUID) -> Blind:
    """The blind of this organization; the same for ever."""
    return Blind(await keyring.secret(organization_id, _PURPOSE))
