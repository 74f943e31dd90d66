"""LinkedIn's consent, codes and tokens.

PKCE is not used: LinkedIn offers it to native applications only, and answers a `code_verifier` of an application with
a secret by 401 `invalid_client`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from kit.http.client import Answer, Call, NotSent, Outbound, Unanswered
from kit.http.client import Refused as Rejected
from kit.ledger.model import NotAccepted, Refused
from publisher.platforms.base import Tokens
from publisher.platforms.linkedin_api import Complaint


@dataclass(frozen=True, slots=True)
class LinkedInOAuth:
    """Our application at LinkedIn."""

    outbound: Outbound
    base_url: str
    consent_base_url: str
    client_id: str
    client_secret: str
    redirect_uri: str
    scopes: str

    def __repr__(self) -> str:
        return "LinkedInOAuth(…)"

    def consent_url(self, state: str) -> str:
        """The page on which a member allows what we ask for."""
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": state,
            "scope": self.scopes,
        }
        return f"{self.consent_base_url}/oauth/v2/authorization?{urlencode(asked)}"

    async def exchange(self, code: str) -> Tokens:
        """Tokens for a code. It is good once, so whatever goes wrong, the person begins again.

        Raises:
            Refused: no tokens came.
        """
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        try:
            answer = await self._ask(form)
        except Rejected as rejected:
            complaint = Complaint.of(rejected)
            raise Refused(
                "LinkedIn did not accept the permission; connect the account again.",
                code="code-refused",
                said=complaint.said,
            ) from rejected
        except (NotSent, Unanswered) as trouble:
            raise Refused(
                "LinkedIn did not answer; connect the account again.", code="answer-lost", said=str(trouble)
            ) from trouble
        tokens = _tokens(answer)
        if tokens is None:
            raise Refused("LinkedIn sent no token; connect the account again.", code="no-token")
        return tokens

    async def renew(self, refresh_token: str) -> Tokens:
        """New tokens. An access token that nobody received harms nobody, so asking again is always safe.

        Raises:
            Refused: the permission has ended.
            NotAccepted: LinkedIn cannot answer now.
        """
        try:
            answer = await self._ask({"grant_type": "refresh_token", "refresh_token": refresh_token})
        except Rejected as rejected:
            raise _of_renewal(rejected) from rejected
        except (NotSent, Unanswered) as trouble:
            raise NotAccepted("LinkedIn did not answer.", code="away", said=str(trouble)) from trouble
        tokens = _tokens(answer)
        if tokens is None:
            raise NotAccepted("LinkedIn sent no token.", code="no-token")
        return tokens

    async def _ask(self, form: Mapping[str, str]) -> Answer:
        secret = {"client_id": self.client_id, "client_secret": self.client_secret}
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        url = f"{self.base_url}/oauth/v2/accessToken"
        body = urlencode({**form, **secret}).encode()
        return await self.outbound.send(Call("POST", url, headers, body, deadline=10.0, attempts=1))


def _of_renewal(rejected: Rejected) -> Exception:
    complaint = Complaint.of(rejected)
    if complaint.status in (400, 403) and complaint.code != "invalid_client":
        return Refused(
            "LinkedIn has ended the permission; connect the account again.",
            code="permission-ended",
            said=complaint.said,
        )
    return NotAccepted(
        "LinkedIn does not renew the permission now.",
        code="away",
        said=complaint.said,
        retry_after=rejected.retry_after,
    )


def _tokens(answer: Answer) -> Tokens | None:
    try:
        body: Any = answer.json()
    except Unanswered:
        return None
    if not isinstance(body, dict) or not isinstance(body.get("access_token"), str) or not body["access_token"]:
        return None
    scopes = str(body.get("scope") or "").replace(",", " ").split()
    return Tokens(
        access_token=body["access_token"],
        expires_in=_seconds(body.get("expires_in")),
        refresh_token=body.get("refresh_token") or None,
        refresh_expires_in=_seconds(body.get("refresh_token_expires_in")),
        scopes=tuple(scopes),
    )


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value > 0 else None
