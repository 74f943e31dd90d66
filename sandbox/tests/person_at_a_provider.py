"""An application that lets people sign in at the sandbox's identity providers, as tests need it."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

REDIRECT = "http://127.0.0.1:9/v1/federation/callback/google"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-long"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
GOOGLE_CLIENT = "1000000000001-sandbox.apps.googleusercontent.com"
GITHUB_CLIENT = "Iv1.sandbox0000000001"


def back(response: httpx.Response) -> dict[str, str]:
    """What the browser brings back."""
    assert response.status_code == 302, response.text
    assert response.headers["location"].startswith(REDIRECT)
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}


@dataclass
class Application:
    """Reads discovery, sends people there and exchanges codes."""

    http: httpx.AsyncClient
    issuer: str
    client_id: str

    async def discovery(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.http.get(f"{self.issuer}/.well-known/openid-configuration")).json()
        return found

    async def authorize(self, **asked: str) -> httpx.Response:
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT,
            "scope": "openid email profile",
            "state": "a&b",
            "nonce": "n-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        address = (await self.discovery())["authorization_endpoint"]
        return await self.http.get(address, params={name: each for name, each in (query | asked).items() if each})

    async def exchange(self, auth: httpx.BasicAuth | None = None, **form: str) -> httpx.Response:
        sent = {
            "grant_type": "authorization_code",
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
            **({} if auth else {"client_id": self.client_id, "client_secret": "sandbox-secret"}),
        }
        form = {name: each for name, each in (sent | form).items() if each}
        return await self.http.post(
            (await self.discovery())["token_endpoint"], data=form, auth=auth or httpx.USE_CLIENT_DEFAULT
        )

    async def tokens(self, person: str, **asked: str) -> dict[str, Any]:
        answer = await self.exchange(code=back(await self.authorize(approve=person, **asked))["code"])
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def claims(self, id_token: str, algorithm: str = "RS256") -> dict[str, Any]:
        keys = (await self.http.get((await self.discovery())["jwks_uri"])).json()
        return jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=[algorithm]).claims
