"""A provider that speaks OpenID Connect: Google, and those of organizations."""

import hmac
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from auth.openid.discovery import Discovered, Discovery
from auth.openid.errors import ProviderRefused
from auth.openid.id_tokens import Expected, claims_of
from auth.openid.key_sets import KeySets
from auth.openid.model import Asked, Assertion, Returned
from auth.openid.web import Web, basic
from kit.clock import Clock


@dataclass(frozen=True, slots=True)
class OpenId:
    """What the providers of one kind share: how they are called, and what is known of them."""

    web: Web
    discovery: Discovery
    keys: KeySets
    clock: Clock
    """Of the world, not the platform's: the times in tokens are others'."""

    @classmethod
    def on(cls, web: Web, clock: Clock) -> "OpenId":
        """With nothing known yet."""
        return cls(web, Discovery(web), KeySets(web), clock)


@dataclass(frozen=True, slots=True)
class OpenIdProvider:
    """One issuer at which we are a client. `realm` sets its subjects apart from those of all others."""

    openid: OpenId
    realm: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    issuers: tuple[str, ...] = ()
    """Other spellings of the issuer that its tokens may have: Google's may lack the scheme."""

    async def authorization_url(self, asked: Asked) -> str:
        """Where the browser goes, with state, nonce and challenge."""
        discovered = await self.openid.discovery.of(self.issuer)
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": asked.redirect_uri,
            "scope": "openid email",
            "state": asked.state,
            "nonce": asked.nonce,
            "code_challenge": asked.challenge,
            "code_challenge_method": "S256",
        }
        if asked.login_hint:
            query["login_hint"] = asked.login_hint
        joined = "&" if urlsplit(discovered.authorization_endpoint).query else "?"
        return f"{discovered.authorization_endpoint}{joined}{urlencode(query)}"

    async def identify(self, returned: Returned) -> Assertion:
        """Exchange the code, and believe the id_token once every check holds."""
        discovered = await self.openid.discovery.of(self.issuer)
        self._insist_on_issuer(returned.iss, discovered)
        said = await self._exchange(returned, discovered)
        id_token, access_token = said.get("id_token"), said.get("access_token")
        if not isinstance(id_token, str) or not isinstance(access_token, str):
            raise ProviderRefused("no-id-token")
        expected = Expected(
            issuers=(self.issuer, *self.issuers),
            client_id=self.client_id,
            nonce=returned.nonce,
            access_token=access_token,
            now=self.openid.clock.now(),
            age=returned.age,
        )
        return _assertion(await claims_of(id_token, discovered, self.openid.keys, expected))

    async def _exchange(self, returned: Returned, discovered: Discovered) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": returned.code,
            "redirect_uri": returned.redirect_uri,
            "code_verifier": returned.verifier,
        }
        headers = {}
        if discovered.authentication == "client_secret_basic":
            headers["authorization"] = basic(self.client_id, self.client_secret)
        else:
            form |= {"client_id": self.client_id, "client_secret": self.client_secret}
        return await self.openid.web.exchange(discovered.token_endpoint, form, headers)

    def _insist_on_issuer(self, said: str, discovered: Discovered) -> None:
        """The code goes to nobody when another issuer says that it is its own (RFC 9207)."""
        if said or discovered.sends_iss:
            allowed = (self.issuer, *self.issuers)
            if not any(hmac.compare_digest(said.encode(), each.encode()) for each in allowed):
                raise ProviderRefused("issuer-of-response")


def _assertion(claims: dict[str, Any]) -> Assertion:
    address, verified = claims.get("email"), claims.get("email_verified")
    if isinstance(verified, str):  # some providers write it as text
        verified = {"true": True, "false": False}.get(verified.lower(), False)
    return Assertion(
        subject=claims["sub"],
        address=address if isinstance(address, str) else None,
        verified=verified if verified is None else verified is True,
    )
