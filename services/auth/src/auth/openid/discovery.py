"""What a provider says of itself (OpenID Connect Discovery), checked before anything of it is used."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final, Literal

from auth.openid.errors import ProviderUnreachable
from auth.openid.web import Web

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA", "Ed25519")
"""What may sign an id_token: public keys only, so that no key of a key set can be taken for a shared secret."""
KEPT_FOR: Final = 3600.0
MOST_KEPT: Final = 512

Authentication = Literal["client_secret_basic", "client_secret_post"]


@dataclass(frozen=True, slots=True)
class Discovered:
    """Where a provider's doors are, and what it can do."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    algorithms: tuple[str, ...]
    authentication: Authentication
    sends_iss: bool


class NotAProvider(ProviderUnreachable):
    """The discovery document is not one that can be used."""


class Discovery:
    """Fetches and keeps discovery documents, each for an hour, of a few hundred providers."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._kept: OrderedDict[str, tuple[float, Discovered]] = OrderedDict()

    async def of(self, issuer: str, *, anew: bool = False) -> Discovered:
        """What the provider says of itself.

        Raises:
            NotAProvider: it says nothing that can be used.
            ProviderUnreachable: it cannot be asked.
        """
        held = self._kept.get(issuer)
        if held is not None and not anew and held[0] > time.monotonic():
            return held[1]
        document = await self._web.document(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        found = read(document, issuer, self._web)
        self._kept[issuer] = (time.monotonic() + KEPT_FOR, found)
        self._kept.move_to_end(issuer)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return found


def read(document: dict[str, Any], issuer: str, web: Web) -> Discovered:
    """Take a document apart; the issuer in it must be exactly the one that was asked (RFC 8414, section 3.3).

    Raises:
        NotAProvider: with what is missing.
    """
    if document.get("issuer") != issuer:
        raise NotAProvider("another-issuer")
    authorization, token, jwks = (
        _place(document, name, issuer, web) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
    )
    algorithms = tuple(
        each for each in ALGORITHMS if each in _words(document, "id_token_signing_alg_values_supported")
    )
    if not algorithms:
        raise NotAProvider("algorithms")
    if "code" not in _words(document, "response_types_supported"):
        raise NotAProvider("no-code-flow")
    ways = _words(document, "token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    if not {"client_secret_basic", "client_secret_post"} & set(ways):
        raise NotAProvider("authentication")
    return Discovered(
        issuer=issuer,
        authorization_endpoint=authorization,
        token_endpoint=token,
        jwks_uri=jwks,
        algorithms=algorithms,
        authentication="client_secret_basic" if "client_secret_basic" in ways else "client_secret_post",
        sends_iss=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _place(document: dict[str, Any], name: str, issuer: str, web: Web) -> str:
    """An endpoint; one without TLS only where the issuer has none either."""
    found = document.get(name)
    if not isinstance(found, str) or not web.is_allowed(found) or found.partition(":")[0] < issuer.partition(":")[0]:
        raise NotAProvider("endpoints")
    return found


def _words(document: dict[str, Any], name: str) -> list[str]:
    found = document.get(name)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
