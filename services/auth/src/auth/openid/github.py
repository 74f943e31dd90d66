"""GitHub, which speaks OAuth and no OpenID Connect: who somebody is, is asked at its API."""

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from auth.openid.errors import ProviderRefused
from auth.openid.model import Asked, Assertion, Returned
from auth.openid.web import Web

SCOPES: Final = "read:user user:email"
VERSION: Final = "2022-11-28"


@dataclass(frozen=True, slots=True)
class GitHubProvider:
    """Our OAuth application at GitHub. A person is their numeric id: logins are renamed and given to others."""

    web: Web
    url: str
    api_url: str
    consent_url: str
    client_id: str
    client_secret: str = field(repr=False)

    @property
    def realm(self) -> str:
        """All of GitHub."""
        return self.url

    async def authorization_url(self, asked: Asked) -> str:
        """Where the browser goes; there is no nonce, since there is no id_token."""
        query = {
            "client_id": self.client_id,
            "redirect_uri": asked.redirect_uri,
            "scope": SCOPES,
            "state": asked.state,
            "code_challenge": asked.challenge,
            "code_challenge_method": "S256",
        }
        return f"{self.consent_url}/login/oauth/authorize?{urlencode(query)}"

    async def identify(self, returned: Returned) -> Assertion:
        """Exchange the code, and ask whose token it is."""
        if returned.iss and returned.iss != self.url:
            raise ProviderRefused("issuer-of-response")
        form = {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "code": returned.code,
            "redirect_uri": returned.redirect_uri,
            "code_verifier": returned.verifier,
        }
        said = await self.web.exchange(f"{self.url}/login/oauth/access_token", form, {})
        token = said.get("access_token")
        if not isinstance(token, str) or str(said.get("token_type")).lower() != "bearer":
            raise ProviderRefused("no-access-token")
        headers = {
            "authorization": f"Bearer {token}",
            "accept": "application/vnd.github+json",
            "x-github-api-version": VERSION,
        }
        user = await self.web.document(f"{self.api_url}/user", headers)
        address = None
        if {"user", "user:email"} & set(str(said.get("scope", "")).replace(",", " ").split()):
            address = _primary(await self.web.json(f"{self.api_url}/user/emails", headers))
        return Assertion(_subject(user), address, None if address is None else True)


def _subject(user: dict[str, Any]) -> str:
    found = user.get("id")
    if not isinstance(found, int) or isinstance(found, bool) or found <= 0:
        raise ProviderRefused("subject")
    return str(found)


def _primary(emails: object) -> str | None:
    """The address that is both primary and verified; nothing else counts, least of all what the profile shows."""
    for each in emails if isinstance(emails, list) else ():
        if isinstance(each, dict) and each.get("primary") is True and each.get("verified") is True:
            address = each.get("email")
            return address if isinstance(address, str) else None
    return None
