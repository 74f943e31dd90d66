"""A partner's program and a person's browser, as far as OAuth needs them."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from authlib.integrations.httpx_client import AsyncOAuth2Client

from .story import Person, Story

__all__ = ["AsyncOAuth2Client"]

ISSUER = "https://app.test"
CALLBACK = "https://partner.test/callback"


def s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def request_of(answer: httpx.Response) -> str:
    """The token of a request, from where the authorization endpoint redirects to."""
    assert answer.status_code == 303, answer.text
    where = answer.headers["location"]
    assert where.startswith(f"{ISSUER}/v1/oauth/consent?request="), where
    return query_of(where)["request"]


class Clients:
    """One organization and what its owner registers."""

    def __init__(self, story: Story, owner: Person, organization_id: str) -> None:
        self.story, self.owner, self.id = story, owner, organization_id
        self.path = f"/v1/organizations/{organization_id}/oauth-clients"

    async def register(self, by: Person | None = None, **changed: Any) -> httpx.Response:
        headers = changed.pop("headers", {})
        body = {"name": "Planner", "redirect_uris": [CALLBACK], "scopes": ["openid", "email", "posts:read"]} | changed
        return await (by or self.owner).call("POST", self.path, json=body, headers=headers)

    async def registered(self, **changed: Any) -> dict[str, Any]:
        answer = await self.register(**changed)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


@dataclass
class Program:
    """A registered program, which knows its secret."""

    story: Story
    made: dict[str, Any]
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def id(self) -> str:
        return str(self.made["id"])

    @property
    def secret(self) -> str | None:
        secret: str | None = self.made["client_secret"]
        return secret

    async def authorize(self, **changed: Any) -> httpx.Response:
        asked = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": CALLBACK,
            "scope": "openid posts:read",
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": s256(self.verifier),
            "code_challenge_method": "S256",
        } | changed
        return await self.story.http.get(
            "/v1/oauth/authorize", params={name: value for name, value in asked.items() if value is not None}
        )

    async def post(self, path: str, fields: Mapping[str, Any], *, basic: bool = True) -> httpx.Response:
        auth = httpx.Auth()  # shows nothing
        data = {name: value for name, value in fields.items() if value is not None}
        if self.secret is None:
            data = {"client_id": self.id} | data
        elif basic:
            auth = httpx.BasicAuth(self.id, self.secret)
        else:
            data = {"client_id": self.id, "client_secret": self.secret} | data
        return await self.story.http.post(f"/v1/oauth/{path}", data=data, auth=auth)

    async def exchange(self, code: str, **changed: Any) -> httpx.Response:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": self.verifier,
        }
        return await self.post("token", fields | changed)

    async def refresh(self, token: str, **changed: Any) -> httpx.Response:
        return await self.post("token", {"grant_type": "refresh_token", "refresh_token": token} | changed)

    async def introspect(self, token: str) -> dict[str, Any]:
        answer = await self.post("introspect", {"token": token})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


async def decide(person: Person, token: str, organization_id: str | None, decision: str = "grant") -> httpx.Response:
    body = {"decision": decision} | ({"organization_id": organization_id} if organization_id else {})
    return await person.call("POST", f"/v1/oauth/authorization-requests/{token}", json=body)


async def granted(person: Person, program: Program, organization_id: str, **changed: Any) -> str:
    """A code, after the person has agreed."""
    token = request_of(await program.authorize(**changed))
    answer = await decide(person, token, organization_id)
    assert answer.status_code == 200, answer.text
    said = query_of(answer.json()["redirect_to"])
    assert said["iss"] == ISSUER
    return said["code"]
