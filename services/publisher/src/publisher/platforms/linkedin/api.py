"""Talking to LinkedIn: one request, and what its failures mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from kit.http.client import Answer, Call, Outbound, Refused
from postrules.limits import Platform
from postrules.versions import SPOKEN

MOST_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class LinkedInApi:
    """LinkedIn's REST API behind a base address; each call is one attempt within `within` seconds."""

    outbound: Outbound
    base_url: str
    within: float = 15.0

    async def get(self, path: str, token: str, *, finder: bool = False) -> Answer:
        """Read something; reading may be repeated, and is not: the ledger decides when."""
        headers = self._headers(token) | ({"x-restli-method": "FINDER"} if finder else {})
        return await self.outbound.send(
            Call("GET", self.base_url + path, headers, deadline=self.within, attempts=1, at_most=8 * 1024 * 1024)
        )

    async def post(self, path: str, token: str, body: bytes) -> Answer:
        """Change something, in exactly one attempt."""
        return await self._change("POST", path, token, body)

    async def put(self, path: str, token: str, body: bytes) -> Answer:
        """Set something, in exactly one attempt."""
        return await self._change("PUT", path, token, body)

    async def delete(self, path: str, token: str) -> Answer:
        """Remove something, in exactly one attempt."""
        return await self._change("DELETE", path, token, None)

    async def _change(self, method: str, path: str, token: str, body: bytes | None) -> Answer:
        headers = self._headers(token) | ({} if body is None else {"content-type": "application/json"})
        return await self.outbound.send(
            Call(method, self.base_url + path, headers, body, deadline=self.within, attempts=1)
        )

    def _headers(self, token: str) -> dict[str, str]:
        return {
            "authorization": f"Bearer {token}",
            "linkedin-version": SPOKEN[Platform.LINKEDIN].name,
            "x-restli-protocol-version": "2.0.0",
            "accept": "application/json",
        }


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error as LinkedIn words it."""

    status: int
    code: str
    message: str

    @property
    def said(self) -> str:
        """In one line, for the record of attempts."""
        return f"{self.status} {self.code}: {self.message}"[: MOST_SHOWN * 2]

    @classmethod
    def of(cls, refusal: Refused) -> "Complaint":
        """Read the body of an error; whatever it holds, this does not fail."""
        body = _object(refusal.answer)
        message = body.get("message") or body.get("error_description") or ""
        return cls(refusal.status, _code(body), one_line(message))


def one_line(text: object) -> str:
    """Text of theirs in one line of bounded length, without control characters."""
    line = " ".join(str(text).split())
    return "".join(character for character in line if character.isprintable())[:MOST_SHOWN]


def encoded(urn: str) -> str:
    """A URN as Rest.li 2.0 wants it in a query or path."""
    return quote(urn, safe="")


def _code(body: Mapping[str, Any]) -> str:
    details = body.get("errorDetails")
    inputs = details.get("inputErrors") if isinstance(details, dict) else None
    if isinstance(inputs, list) and inputs and isinstance(inputs[0], dict) and inputs[0].get("code"):
        return one_line(inputs[0]["code"])
    return one_line(body.get("code") or body.get("error") or body.get("serviceErrorCode") or "")


def _object(answer: Answer) -> Mapping[str, Any]:
    try:
        body = answer.json()
    except Exception:  # noqa: BLE001 - an error page of a proxy is no JSON, and tells nothing
        return {}
    return body if isinstance(body, dict) else {}
