"""Codes and refresh tokens become tokens; what their troubles mean for a person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from kit.http.client import Call, NotSent, Outbound, Unanswered
from kit.http.client import Refused as Rejected
from kit.ledger.model import NotAccepted, Refused
from publisher.platforms.base import Tokens
from publisher.platforms.speaking import document, one_line, seconds


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where a platform gives tokens. `secret` goes with each request: as form fields and headers, as it wants them.

    `ended` says whether an error with its status means of a refresh token that the permission is over; anything else
    is waited out.
    """

    outbound: Outbound
    name: str
    url: str
    fields: Mapping[str, str]
    headers: Mapping[str, str]
    ended: Callable[[str, int], bool]
    scopes_by: str = " "

    def __repr__(self) -> str:
        return f"TokenEndpoint({self.name})"

    async def exchange(self, form: Mapping[str, str]) -> Tokens:
        """Tokens for a code. It is good once, so whatever goes wrong, the person begins again.

        Raises:
            Refused: no tokens came.
        """
        try:
            body = await self._ask({"grant_type": "authorization_code", **form})
        except Rejected as rejected:
            raise Refused(
                f"{self.name} did not accept the permission; connect the account again.",
                code="code-refused",
                said=_said(rejected),
            ) from rejected
        except (NotSent, Unanswered) as trouble:
            raise Refused(
                f"{self.name} did not answer; connect the account again.", code="answer-lost", said=str(trouble)
            ) from trouble
        tokens = self._tokens(body)
        if tokens is None:
            raise Refused(
                f"{self.name} did not accept the permission; connect the account again.",
                code="code-refused",
                said=_error(body),
            )
        return tokens

    async def renew(self, refresh_token: str) -> Tokens:
        """New tokens for a refresh token.

        Raises:
            Refused: the permission has ended.
            NotAccepted: not now.
        """
        try:
            body = await self._ask({"grant_type": "refresh_token", "refresh_token": refresh_token})
        except Rejected as rejected:
            raise self._of_renewal(_error(document(rejected.answer)), rejected) from rejected
        except (NotSent, Unanswered) as trouble:
            raise NotAccepted(f"{self.name} did not answer.", code="away", said=str(trouble)) from trouble
        tokens = self._tokens(body)
        if tokens is None:
            raise self._of_renewal(_error(body), None)
        return tokens

    async def _ask(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        named = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json", **self.headers}
        body = urlencode({**form, **self.fields}).encode()
        return document(await self.outbound.send(Call("POST", self.url, named, body, deadline=12.0, attempts=1)))

    def _of_renewal(self, error: str, rejected: Rejected | None) -> Exception:
        said = _said(rejected) if rejected else error
        if self.ended(error, rejected.status if rejected else HTTPStatus.OK):
            return Refused(
                f"{self.name} has ended the permission; connect the account again.",
                code="permission-ended",
                said=said,
            )
        return NotAccepted(
            f"{self.name} does not renew the permission now.",
            code="away",
            said=said,
            retry_after=rejected.retry_after if rejected else None,
        )

    def _tokens(self, body: Mapping[str, Any]) -> Tokens | None:
        if not isinstance(body.get("access_token"), str) or not body["access_token"]:
            return None
        scopes = str(body.get("scope") or "").replace(self.scopes_by, " ").split()
        return Tokens(
            access_token=body["access_token"],
            expires_in=seconds(body.get("expires_in")),
            refresh_token=body.get("refresh_token") or None,
            refresh_expires_in=seconds(body.get("refresh_expires_in") or body.get("refresh_token_expires_in")),
            scopes=tuple(scopes),
        )


def ended_by(*errors: str) -> Callable[[str, int], bool]:
    """The permission is over by one of these errors, whatever its status, unless the platform fails itself."""
    return lambda error, status: error in errors and status < HTTPStatus.INTERNAL_SERVER_ERROR


def _error(body: Mapping[str, Any]) -> str:
    return one_line(body.get("error") or "")


def _said(rejected: Rejected) -> str:
    body = document(rejected.answer)
    return f"{rejected.status} {_error(body)}: {one_line(body.get('error_description') or '')}"
