"""An application that speaks to LinkedIn, as tests need it."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx

REDIRECT = "http://127.0.0.1:9/v1/oauth/linkedin/callback"
AUTHORIZATION = "/linkedin/www/oauth/v2/authorization"
ACCESS_TOKEN = "/linkedin/www/oauth/v2/accessToken"
POSTS = "/linkedin/api/rest/posts"
SECRETS = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
ALL = (
    "openid profile email w_member_social r_member_social w_organization_social r_organization_social "
    "rw_organization_admin"
)
ANN = "urn:li:person:ann"
BAKERY = "urn:li:organization:5000001"


def asked(**other: str) -> dict[str, str]:
    """The query of the consent page."""
    query = {
        "response_type": "code",
        "client_id": "sandbox-client",
        "redirect_uri": REDIRECT,
        "state": "a&b",
        "scope": ALL,
    }
    return {name: value for name, value in (query | other).items() if value}


def answered(response: httpx.Response) -> dict[str, str]:
    """What the browser brings back."""
    assert response.status_code == 302, response.text
    location = response.headers["location"]
    assert location.startswith(REDIRECT)
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def post(text: str = "Hello", author: str = ANN, **other: Any) -> dict[str, Any]:
    """A post as the Posts API wants it."""
    return {
        "author": author,
        "commentary": text,
        "visibility": "PUBLIC",
        "distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []},
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": False,
        **other,
    }


def one(urn: str) -> str:
    """The path of a post."""
    return f"{POSTS}/{quote(urn, safe='')}"


@dataclass
class Application:
    """Holds tokens and calls the API with all headers it wants."""

    http: httpx.AsyncClient
    tokens: dict[str, Any]
    version: str = "202601"

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.tokens['access_token']}",
            "Linkedin-Version": self.version,
            "X-Restli-Protocol-Version": "2.0.0",
        }

    async def publish(self, body: dict[str, Any]) -> httpx.Response:
        return await self.http.post(POSTS, json=body, headers=self.headers)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.http.get(path, params=query, headers=self.headers)

    async def found(self, author: str = ANN) -> list[dict[str, Any]]:
        response = await self.get(POSTS, q="author", author=author, sortBy="CREATED")
        assert response.status_code == 200, response.text
        elements: list[dict[str, Any]] = response.json()["elements"]
        return elements


async def exchange(http: httpx.AsyncClient, **form: str) -> httpx.Response:
    """Ask the token endpoint."""
    return await http.post(ACCESS_TOKEN, data=SECRETS | form)


async def consent(http: httpx.AsyncClient, person: str = "ann", scope: str = ALL) -> Application:
    """Let a person allow everything."""
    back = answered(await http.get(AUTHORIZATION, params=asked(approve=person, scope=scope)))
    tokens = await exchange(http, grant_type="authorization_code", code=back["code"], redirect_uri=REDIRECT)
    assert tokens.status_code == 200, tokens.text
    return Application(http, tokens.json())
