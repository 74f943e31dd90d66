"""The platform's public API as the assistant uses it: through the gateway, with the token of the person it helps.

It has no right of its own: what the person may not do is refused there, as to any client. The token stays in memory
for as long as the answer takes, and is written nowhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode
from uuid import UUID

import orjson

from generation.assistant.model import Request
from kit.http.client import Answer, Call, NotSent, Outbound, Refused, Unanswered

WITHIN: Final = 15.0
"""Seconds that a request may take."""

LARGEST: Final = 512 * 1024

Outcome = Literal["done", "refused", "unknown", "not_sent"]


class ToolRefused(Exception):
    """The platform refused what a tool asked, or it cannot be had; `says` is in words that the person may read."""

    def __init__(self, says: str) -> None:
        super().__init__(says)
        self.says = says


@dataclass(frozen=True, slots=True)
class Door:
    """The platform as one person may enter it."""

    outbound: Outbound
    url: str
    token: str = field(repr=False)
    address: str = field(default="", repr=False)
    """Whence the person comes, for a gateway that trusts us to say so (its `TRUSTED_PROXIES`)."""

    async def get(self, path: str, **query: str | int | None) -> Any:
        """Read something.

        Raises:
            ToolRefused: the person may not see it, or it is not there, or cannot be had now.
        """
        asked = urlencode({name: value for name, value in query.items() if value is not None})
        return await self._read(
            Call("GET", f"{self.url}{path}{'?' + asked if asked else ''}", self._headers(), at_most=LARGEST)
        )

    async def preview(self, path: Literal["/v1/segments/preview"], body: Mapping[str, Any]) -> Any:
        """Ask what something would be; such doors store nothing.

        Raises:
            ToolRefused: it would be refused, or cannot be had now.
        """
        headers = self._headers() | {"content-type": "application/json"}
        return await self._read(
            Call("POST", self.url + path, headers, orjson.dumps(dict(body)), at_most=LARGEST, idempotent=True)
        )

    async def _read(self, call: Call) -> Any:
        try:
            return (await self.outbound.send(call)).json()
        except Refused as refusal:
            raise ToolRefused(said(refusal.answer)) from None
        except (NotSent, Unanswered):
            raise ToolRefused("The platform does not answer just now.") from None

    async def do(self, request: Request, action_id: UUID) -> tuple[Outcome, str]:
        """Change something, once however often it is tried: what came of it, and why in words.

        What is made carries the action's id as its idempotency key; what is changed names the version that the person
        saw, so that a second try finds another.
        """
        headers = self._headers() | {"content-type": "application/json", "idempotency-key": str(action_id)}
        if request.seen:
            headers["if-match"] = request.seen
        body = orjson.dumps(dict(request.body))
        call = Call(request.method, self.url + request.path, headers, body, WITHIN, attempts=1, at_most=LARGEST)
        try:
            await self.outbound.send(call)
        except Refused as refusal:
            if refusal.status == 412 and request.proof:
                return await self._looked(request)
            return ("refused" if refusal.status < 500 else "unknown"), said(refusal.answer)
        except NotSent:
            return "not_sent", "The platform could not be reached."
        except Unanswered:
            return "unknown", "The platform gave no answer."
        return "done", ""

    async def _looked(self, request: Request) -> tuple[Outcome, str]:
        """Whether what has another version by now is as it was to be: then we have done it ourselves before."""
        try:
            found = await self.get(request.path)
        except ToolRefused as refusal:
            return "unknown", refusal.says
        if all(same(found.get(name), wanted) for name, wanted in request.proof.items()):
            return "done", ""
        return "refused", "It was changed by somebody meanwhile; nothing was done. Ask again."

    def _headers(self) -> dict[str, str]:
        whence = {"x-forwarded-for": self.address} if self.address else {}
        return {"authorization": f"Bearer {self.token}"} | whence


def same(found: object, wanted: str) -> bool:
    """Whether a field is as wanted; times are compared as instants by whoever wrote them in the same form."""
    return isinstance(found, str) and (
        found == wanted or found.replace("Z", "+00:00") == wanted.replace("Z", "+00:00")
    )


def part_of_path(value: str) -> str:
    """A value as one segment of a path, whatever it is."""
    return quote(value, safe="")


def said(answer: Answer) -> str:
    """Why the platform refused: the title and details of its problem document, cut."""
    try:
        problem = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return f"The platform refused it (status {answer.status})."
    if not isinstance(problem, Mapping):
        return f"The platform refused it (status {answer.status})."
    errors = problem.get("errors") or problem.get("findings") or []
    details = [str(each.get("detail", "")) for each in errors if isinstance(each, Mapping)][:3]
    told = problem.get("detail") or problem.get("title") or f"Status {answer.status}."
    return " ".join([str(told), *details])[:600]
