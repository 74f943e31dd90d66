"""Values that must be found again but not be read: numbers and the platform's ids, as keyed hashes."""

import hmac
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from kit.seal import Keyring

_PURPOSE: Final = "inbox identities"


@dataclass(frozen=True, slots=True)
class Blind:
    """Hashes values of one organization; the same value under another organization looks different."""

    key: bytes = field(repr=False)

    def __call__(self, kind: str, value: str) -> bytes:
        """The hash of a value of this kind."""
        told = f"{kind}\0{value}".encode(errors="surrogatepass")
        return hmac.digest(self.key, told, "sha256")


async def blind_of(keyring: Keyring, organization_id: UUID) -> Blind:
    """The blind of this organization; the same for ever."""
    return Blind(await keyring.secret(organization_id, _PURPOSE))
