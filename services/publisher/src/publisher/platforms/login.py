"""How people give us a permission: OAuth's code flow, in which platforms differ by little."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode

from publisher.platforms.base import Tokens
from publisher.platforms.tokens import TokenEndpoint


@dataclass(frozen=True, slots=True)
class Application:
    """Our application as a platform knows it."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    scopes: str

    @property
    def on(self) -> bool:
        """Whether client id and secret are set."""
        return bool(self.client_id and self.client_secret)


class Login(Protocol):
    """Consent, codes and tokens of one platform."""

    @property
    def on(self) -> bool:
        """Whether our application is set up there."""

    def consent_url(self, state: str, challenge: str) -> str:
        """Where a person gives us the permission."""

    async def exchange(self, code: str, verifier: str) -> Tokens:
        """Tokens for a code.

        Raises:
            Refused: there are none to be had by this code any more; the person must begin again.
        """

    async def renew(self, refresh_token: str) -> Tokens:
        """New tokens.

        Raises:
            Refused: the permission has ended.
            NotAccepted: not now.
        """


@dataclass(frozen=True, slots=True)
class CodeFlow:
    """The code flow as OAuth has it: a page, and an endpoint that gives tokens.

    `asked` is what the page is told of the application, in the platform's words; with `pkce` challenge and verifier
    go along, where a platform has PKCE for applications with a secret.
    """

    application: Application
    page: str
    endpoint: TokenEndpoint
    asked: Mapping[str, str]
    pkce: bool

    @property
    def on(self) -> bool:
        """Whether client id and secret are set."""
        return self.application.on

    def consent_url(self, state: str, challenge: str) -> str:
        """The page on which a person allows what we ask for."""
        proof = {"code_challenge": challenge, "code_challenge_method": "S256"} if self.pkce else {}
        back = {"redirect_uri": self.application.redirect_uri, "state": state}
        return f"{self.page}?{urlencode({'response_type': 'code', **self.asked, **back, **proof})}"

    async def exchange(self, code: str, verifier: str) -> Tokens:
        """Tokens for a code."""
        proof = {"code_verifier": verifier} if self.pkce else {}
        return await self.endpoint.exchange({"code": code, "redirect_uri": self.application.redirect_uri, **proof})

    async def renew(self, refresh_token: str) -> Tokens:
        """New tokens. Where it is spent by this and the answer is lost, the person connects again."""
        return await self.endpoint.renew(refresh_token)


class ByLogin:
    """What a platform leaves to its login: the consent, and tokens that are renewed whatever the account."""

    login: Login

    @property
    def on(self) -> bool:
        """Whether it is set up here."""
        return self.login.on

    def consent_url(self, state: str, challenge: str) -> str:
        """Where a person allows what we ask for."""
        return self.login.consent_url(state, challenge)

    async def exchange(self, code: str, verifier: str) -> Tokens:
        """Tokens for a code."""
        return await self.login.exchange(code, verifier)

    async def renew(self, refresh_token: str, external_id: str) -> Tokens:
        """New tokens for a refresh token."""
        _ = external_id
        return await self.login.renew(refresh_token)
