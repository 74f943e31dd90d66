"""Threads' own OAuth: consent at threads.net, tokens at graph.threads.net.

There is no refresh token: a token of 60 days that still lives, and is a day old, is given for a newer one. So the
token is kept as its own refresh token. Exchanging and renewing are documented as GET alone, the secrets in the query.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from kit.http.client import Call, Outbound
from publisher.platforms.base import Tokens
from publisher.platforms.meta.oauth import exchanging, lasting, object_in, renewing, token_in


@dataclass(frozen=True, slots=True)
class ThreadsLogin:
    """Our application at Threads."""

    outbound: Outbound
    base_url: str
    consent_base_url: str
    client_id: str
    client_secret: str
    redirect_uri: str
    scopes: str

    def __repr__(self) -> str:
        return "ThreadsLogin(…)"

    @property
    def on(self) -> bool:
        """Whether client id and secret are set."""
        return bool(self.client_id and self.client_secret)

    def consent_url(self, state: str, challenge: str) -> str:
        """The page on which a person allows what we ask for; Threads has no PKCE."""
        _ = challenge
        asked = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": ",".join(self.scopes.split()),
            "response_type": "code",
            "state": state,
        }
        return f"{self.consent_base_url}/oauth/authorize?{urlencode(asked)}"

    async def exchange(self, code: str, verifier: str) -> Tokens:
        """A code for a token of an hour, and that for one of 60 days.

        Raises:
            Refused: no token came; the person begins again.
        """
        _ = verifier
        form = {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "grant_type": "authorization_code",
            "redirect_uri": self.redirect_uri,
            "code": code,
        }
        with exchanging("Threads"):
            short = token_in(await self._ask("POST", "/oauth/access_token", form))
            secret = {"grant_type": "th_exchange_token", "client_secret": self.client_secret, "access_token": short}
            return lasting(await self._ask("GET", "/access_token", secret), self.scopes)

    async def renew(self, refresh_token: str) -> Tokens:
        """A token for a newer one; asking twice harms nothing.

        Raises:
            Refused: the permission has ended.
            NotAccepted: not now.
        """
        asked = {"grant_type": "th_refresh_token", "access_token": refresh_token}
        with renewing("Threads"):
            return lasting(await self._ask("GET", "/refresh_access_token", asked), self.scopes)

    async def _ask(self, method: str, path: str, form: Mapping[str, str]) -> dict[str, Any]:
        url, body, headers = f"{self.base_url}{path}", None, {"accept": "application/json"}
        if method == "POST":
            headers["content-type"] = "application/x-www-form-urlencoded"
            body = urlencode(form).encode()
        else:
            url = f"{url}?{urlencode(form)}"
        return object_in(await self.outbound.send(Call(method, url, headers, body, deadline=10.0, attempts=1)))
