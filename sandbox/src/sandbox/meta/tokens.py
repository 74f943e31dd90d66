"""Codes and tokens: short ones, long ones, those of pages; issued, looked at, taken back."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.consent.tokens import Mortal, State
from sandbox.meta.refusals import Refusal, dead_token, refuse, unknown_token
from sandbox.meta.world import World
from sandbox.shelf import Shelf

KEPT = 20_000


@dataclass(slots=True)
class Code:
    """What a person's consent gives; good once."""

    person_id: str
    redirect_uri: str
    until: float


@dataclass(slots=True)
class Token(Mortal):
    """A token as it was issued: a person's, or a page's by a person; `long` is good to be renewed."""

    value: str
    person_id: str
    until: float
    page_id: str = ""
    long: bool = False
    revoked: bool = False
    issued_at: float = field(default_factory=time.time)


class Tokens:
    """All codes and tokens of the application at one platform."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._codes: Shelf[str, Code] = Shelf(most=KEPT)
        self.issued: Shelf[str, Token] = Shelf(most=KEPT)

    def new_code(self, person_id: str, redirect_uri: str) -> str:
        """The code that a consent gives."""
        value = secrets.token_urlsafe(48)
        self._codes.put(value, Code(person_id, redirect_uri, time.time() + self._world.app.code_seconds))
        return value

    def redeem(self, code: str, redirect_uri: str) -> Token:
        """Spend a code for a token of an hour."""
        found = self._codes.take(code)
        if found is None or found.until <= time.time():
            raise refuse(100, "This authorization code has expired or been used.", subcode=36007)
        if found.redirect_uri != redirect_uri:
            raise refuse(100, "Error validating verification code. Please make sure your redirect_uri is identical.")
        return self._issue(Token(_value(), found.person_id, time.time() + self._world.app.short_seconds))

    def longer(self, value: str) -> Token:
        """A token of 60 days for one that lives."""
        known = self.holder(value)
        until = time.time() + self._world.app.long_seconds
        return self._issue(Token(_value(), known.person_id, until, long=True))

    def of_page(self, person: Token, page_id: str) -> Token:
        """The token of a page; one that came by a long token lives until the permission ends."""
        until = person.until if not person.long else float("inf")
        found = self.issued.all(
            lambda one: one.page_id == page_id and one.person_id == person.person_id and one.until == until
        )
        live = next((one for one in found if one.state == "live"), None)
        return live or self._issue(Token(_value(), person.person_id, until, page_id))

    def holder(self, value: str) -> Token:
        """The token behind a value; refused unless it lives."""
        token = self.issued.get(value)
        if token is None:
            raise unknown_token()
        if token.state != "live":
            raise self._dead(token)
        return token

    def end(self, state: State, where: Callable[[Token], bool]) -> int:
        """Let tokens end, as revoked or expired; how many."""
        ended = self.issued.all(where)
        for token in ended:
            token.end(state)
        return len(ended)

    def clear(self) -> None:
        """Forget all."""
        self._codes.clear()
        self.issued.clear()

    def _issue(self, token: Token) -> Token:
        self.issued.put(token.value, token)
        return token

    def _dead(self, token: Token) -> Refusal:
        return dead_token("revoked" if token.revoked else "expired")


def _value() -> str:
    return f"EAA{secrets.token_urlsafe(90)}"
