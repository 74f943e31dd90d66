"""A client that asks until it is answered, as a phone on a train does."""

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import httpx

from local.chaos.books import Book
from local.staff import code_at
from local.visitor import Visitor

_UNANSWERED = frozenset({429, 502, 503, 504})
_PAUSE, _LONGEST_PAUSE = 0.2, 1.0
_NEXT_CODE = 5.0


@dataclass(slots=True)
class Client:
    """One person's requests; each is repeated as it is while nobody answers it, until time is up."""

    visitor: Visitor
    book: Book
    over: asyncio.Event
    organization: str | None = None
    _signing_in: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def signed_in(self) -> bool:
        """Whether this person has ever had a token."""
        return bool(self.visitor.access_token)

    async def ask(
        self, method: str, path: str, expect: Collection[int], *, key: str | None = None, json: Any = None
    ) -> httpx.Response | None:
        """The first answer of those expected; None when time was up before, or something else was answered.

        What is neither expected nor a plain "not now" is noted as odd.
        """
        headers, began = {"idempotency-key": key} if key else {}, time.monotonic()
        while not self.over.is_set():
            token = self.visitor.access_token
            answer = await self._once(method, path, headers, json)
            if answer is None or answer.status_code in _UNANSWERED - set(expect):
                await self._pause(answer)
            elif answer.status_code in expect:
                self.book.longest = max(self.book.longest, time.monotonic() - began)
                return answer
            elif answer.status_code == httpx.codes.UNAUTHORIZED and self.signed_in:
                await self.sign_in(instead_of=token)
            else:
                self.book.odd.append(f"{method} {path}: {answer.status_code}: {answer.text[:200]}")
                return None
        return None

    async def sign_in(self, *, instead_of: str = "") -> bool:
        """Get a token, unless another lane of this person has just got one."""
        async with self._signing_in:
            if self.visitor.access_token != instead_of:
                return True
            visitor = self.visitor
            body = {"email": visitor.email, "password": visitor.password}
            if self.organization:
                body["organization_id"] = self.organization
            nobody = Client(Visitor(visitor.addresses, visitor.http, visitor.email), self.book, self.over)
            answer = await nobody.ask("POST", "/v1/sessions", {201}, json=body)
            if answer is None:
                return False
            told = answer.json()
            visitor.access_token, visitor.refresh_token = told["access_token"], told["refresh_token"]
            visitor.user_id = told["user_id"]
            return True

    async def _once(self, method: str, path: str, headers: dict[str, str], json: Any) -> httpx.Response | None:
        try:
            answer = await self.visitor.call(method, path, headers=headers, json=json)
        except httpx.TransportError as trouble:
            self.book.answers[type(trouble).__name__] += 1
            return None
        self.book.answers[str(answer.status_code)] += 1
        return answer

    async def _pause(self, answer: httpx.Response | None) -> None:
        told = float(answer.headers.get("retry-after", _PAUSE)) if answer is not None else _PAUSE
        await asyncio.sleep(min(max(told, _PAUSE), _LONGEST_PAUSE))


@dataclass(slots=True)
class Desk(Client):
    """A member of our staff, who signs in with password and code; `now` is the platform's time."""

    secret: str = ""
    now: Callable[[], float] = time.time

    async def sign_in(self, *, instead_of: str = "") -> bool:
        """Get a token; a code that was used before is refused, and the next one comes in half a minute."""
        async with self._signing_in:
            visitor = self.visitor
            nobody = Client(Visitor(visitor.addresses, visitor.http, visitor.email), self.book, self.over)
            while visitor.access_token == instead_of:
                body = {
                    "email": visitor.email,
                    "password": visitor.password,
                    "code": code_at(self.secret, self.now()),
                }
                answer = await nobody.ask("POST", "/v1/staff/sessions", {201, 401}, json=body)
                if answer is None:
                    return False
                if answer.status_code == httpx.codes.CREATED:
                    visitor.access_token = answer.json()["access_token"]
                else:
                    await asyncio.sleep(_NEXT_CODE)
        return True
