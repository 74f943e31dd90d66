"""The public keys of providers: kept for minutes, and fetched again at once when a token names one we do not know."""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from auth.openid.web import Web

KEPT_FOR: Final = 600.0
MOST_KEPT: Final = 512
MOST_KEYS: Final = 50
BETWEEN_FETCHES: Final = 60.0
"""Seconds between two fetches that unknown keys bring about: who sends junk must not make us hammer a provider."""
SMALLEST_RSA: Final = 2048

Key = RSAKey | ECKey | OKPKey
_KINDS: Final[dict[str, tuple[str, type[Key]]]] = {
    "RS256": ("RSA", RSAKey),
    "ES256": ("EC", ECKey),
    "EdDSA": ("OKP", OKPKey),
    "Ed25519": ("OKP", OKPKey),
}


@dataclass(slots=True)
class _Held:
    keys: list[dict[str, Any]]
    until: float
    forced_at: float = field(default=float("-inf"))


class KeySets:
    """Finds the key that a token names."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._held: OrderedDict[str, _Held] = OrderedDict()

    async def find(self, jwks_uri: str, algorithm: str, kid: str | None) -> Key | None:
        """The key of this id for this algorithm; without an id only where there is exactly one that fits.

        Raises:
            ProviderUnreachable: the key set cannot be fetched.
        """
        now = time.monotonic()
        held = self._held.get(jwks_uri)
        if held is None or held.until <= now:
            held = await self._fetch(jwks_uri, -float("inf") if held is None else held.forced_at)
            return _chosen(held.keys, algorithm, kid)
        key = _chosen(held.keys, algorithm, kid)
        if key is None and held.forced_at + BETWEEN_FETCHES <= now:
            held.forced_at = now
            key = _chosen((await self._fetch(jwks_uri, now)).keys, algorithm, kid)
        return key

    async def _fetch(self, jwks_uri: str, forced_at: float) -> _Held:
        document = await self._web.document(jwks_uri)
        listed = document.get("keys")
        keys = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        held = _Held(keys[:MOST_KEYS], time.monotonic() + KEPT_FOR, forced_at)
        self._held[jwks_uri] = held
        self._held.move_to_end(jwks_uri)
        while len(self._held) > MOST_KEPT:
            self._held.popitem(last=False)
        return held


def _chosen(keys: list[dict[str, Any]], algorithm: str, kid: str | None) -> Key | None:
    fitting = [each for each in keys if _fits(each, algorithm) and (kid is None or each.get("kid") == kid)]
    return _imported(fitting[0], algorithm) if len(fitting) == 1 else None


def _fits(key: dict[str, Any], algorithm: str) -> bool:
    """Whether a key may verify this algorithm: of its kind, for signatures, and not for another algorithm."""
    kind, _ = _KINDS[algorithm]
    return key.get("kty") == kind and key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm


def _imported(key: dict[str, Any], algorithm: str) -> Key | None:
    """The key; None where it cannot be read, or is too small."""
    public = {name: value for name, value in key.items() if name in {"kty", "n", "e", "crv", "x", "y"}}
    try:
        found = _KINDS[algorithm][1].import_key(public)
        size = found.raw_value.key_size if isinstance(found, RSAKey) else SMALLEST_RSA
    except (JoseError, ValueError, TypeError):
        return None
    return found if size >= SMALLEST_RSA else None
