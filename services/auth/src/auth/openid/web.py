"""How providers are called: to checked addresses, with deadlines and bounds, and never followed to elsewhere."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

import orjson

from auth.openid.errors import ProviderRefused, ProviderUnreachable
from kit.http.client import AddressNotAllowed, Call, NotSent, Outbound, Refused, Unanswered
from kit.http.transport import Answer

DEADLINE: Final = 5.0
MOST_DOCUMENT: Final = 256 * 1024
MOST_ANSWER: Final = 128 * 1024
LONGEST_URL: Final = 2048


@dataclass(frozen=True, slots=True)
class Web:
    """Calls a provider. `guarded` where a customer chose it: then it is met on the public internet only.

    `exempt` is an origin that may be called all the same, without TLS: of a sandbox, in development.
    """

    outbound: Outbound
    guarded: bool = False
    exempt: str = ""

    def is_allowed(self, url: str) -> bool:
        """Whether this may be an address of a provider: https, unless whoever runs the platform chose otherwise."""
        if not url or len(url) > LONGEST_URL or "#" in url or not url.isascii() or not url.isprintable():
            return False
        try:
            parts = urlsplit(url)
            named = bool(parts.hostname) and parts.username is None and parts.port != 0
        except ValueError:
            return False
        if not named or " " in url or "\\" in url:
            return False
        if parts.scheme == "https":
            return True
        return parts.scheme == "http" and (not self.guarded or f"http://{parts.netloc}" == self.exempt)

    async def document(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """A JSON object; reading is repeated once.

        Raises:
            ProviderUnreachable: no such answer came.
        """
        found = await self.json(url, headers)
        if not isinstance(found, dict):
            raise ProviderUnreachable("no-document")
        return found

    async def json(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """Any JSON; reading is repeated once.

        Raises:
            ProviderUnreachable: no such answer came.
        """
        asked = {"accept": "application/json"} | dict(headers or {})
        call = Call("GET", url, asked, deadline=DEADLINE, attempts=2, at_most=MOST_DOCUMENT, guarded=self.guarded)
        try:
            return (await self._sent(call)).json()
        except Refused as refused:
            raise ProviderUnreachable(f"status-{refused.status}") from refused
        except Unanswered as trouble:
            raise ProviderUnreachable("no-json") from trouble

    async def exchange(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        """What a token endpoint gives for a code; sent once, since a code is good once.

        Raises:
            ProviderRefused: it gives nothing, with the error's own name as the reason where it is a known one.
            ProviderUnreachable: it did not answer, or not for good.
        """
        sent = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded", **headers}
        body = urlencode(form).encode()
        call = Call("POST", url, sent, body, deadline=DEADLINE, attempts=1, at_most=MOST_ANSWER, guarded=self.guarded)
        try:
            answer = await self._sent(call)
        except Refused as refused:
            if refused.status >= 500 or refused.status == 429:
                raise ProviderUnreachable(f"status-{refused.status}") from refused
            answer = refused.answer
        said = _object(answer.body)
        if answer.status >= 300 or "error" in said:
            raise ProviderRefused(_named(said.get("error")))
        return said

    async def _sent(self, call: Call) -> Answer:
        if not self.is_allowed(call.url):
            raise ProviderUnreachable("address-not-allowed")
        try:
            return await self.outbound.send(call)
        except AddressNotAllowed as refusal:
            raise ProviderUnreachable("address-not-allowed") from refusal
        except NotSent as trouble:
            raise ProviderUnreachable("not-sent") from trouble
        except Unanswered as trouble:
            raise ProviderUnreachable("unanswered") from trouble


def basic(client_id: str, secret: str) -> str:
    """The Authorization header of a client; both halves are form-encoded first (RFC 6749, section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
    return f"Basic {base64.b64encode(pair).decode('ascii')}"


_KNOWN: Final = frozenset(
    {
        "bad_verification_code",
        "incorrect_client_credentials",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "redirect_uri_mismatch",
        "unauthorized_client",
        "unverified_user_email",
    }
)


def _named(error: object) -> str:
    """Only words we know: what a stranger writes stands in no log."""
    return error.replace("_", "-") if isinstance(error, str) and error in _KNOWN else "code-refused"


def _object(body: bytes) -> dict[str, Any]:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {"error": "no-json"}
    return said if isinstance(said, dict) else {"error": "no-json"}
