"""For those who watch: which tokens there are, and how to end them."""

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from sandbox.consent.tokens import AccessToken, State, Tokens


class TokenOut(BaseModel):
    """An access token that was issued."""

    access_token: str
    refresh_token: str
    person: str
    scopes: list[str]
    state: State
    issued_at: float
    expires_at: float


class Ending(BaseModel):
    """Which tokens shall end, and how; without a person or a token all of them."""

    state: Literal["revoked", "expired"]
    person: str | None = None
    access_token: str | None = None
    refreshable: bool = False
    """Whether their refresh tokens stay good."""


class TokenWatching:
    """`/tokens` and `/tokens/end` below a member's control."""

    def __init__(self, tokens: Tokens, revoked: Callable[[str], object] | None = None) -> None:
        self._tokens = tokens
        self._revoked = revoked

    def add_to(self, routes: APIRouter) -> None:
        """Add the two paths."""
        routes.add_api_route("/tokens", self.read, methods=["GET"])
        routes.add_api_route("/tokens/end", self.end, methods=["POST"])

    async def read(self, person: str | None = None) -> list[TokenOut]:
        """Access tokens in the order in which they were issued."""
        return [_out(one) for one in self._tokens.issued.all(lambda one: person in {None, one.grant.person_id})]

    async def end(self, ending: Ending) -> dict[str, int]:
        """Let tokens end; how many did. Where the platform tells of a permission that was taken back, it does."""

        def meant(token: AccessToken) -> bool:
            return ending.person in {None, token.grant.person_id} and ending.access_token in {None, token.value}

        people = {one.grant.person_id for one in self._tokens.issued.all(meant)}
        ended = self._tokens.end(ending.state, meant, refreshable=ending.refreshable)
        if self._revoked is not None and ending.state == "revoked" and not ending.refreshable:
            for person in sorted(people):
                self._revoked(person)
        return {"ended": ended}


def _out(token: AccessToken) -> TokenOut:
    return TokenOut(
        access_token=token.value,
        refresh_token=token.grant.refresh_token,
        person=token.grant.person_id,
        scopes=list(token.grant.scopes),
        state=token.state,
        issued_at=token.issued_at,
        expires_at=token.until,
    )
