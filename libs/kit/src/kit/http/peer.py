"""Calls between our own services, for the few that are not events: each caller shows a token of its own."""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from kit.errors import NotFound, TransientError, Unauthenticated
from kit.http.client import Call, NotSent, Outbound, Refused
from kit.http.transport import AnswerTooLarge, Unanswered
from kit.seal.sealer import Sealer

_PURPOSE: Final = "peer token"
_bearer = HTTPBearer(auto_error=False, description="The token of one of our services")


class PeerUnavailable(TransientError):
    """A service that this one depends on cannot answer just now."""

    code = "peer-unavailable"


class PeerRefused(Exception):
    """The other service said no: a bug, or secrets that do not match; `status` is the answer's."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Peer:
    """Another of our services, asked in the name of this one; `secret` is shared by both and never travels."""

    outbound: Outbound
    url: str
    service: str
    secret: Sealer = field(repr=False)

    async def ask(self, method: str, path: str, body: bytes | None = None, *, deadline: float = 5.0) -> bytes:
        """The body of the answer; what is asked must be harmless to repeat.

        Raises:
            PeerUnavailable: there is no answer, or not now.
            PeerRefused: the answer was no.
        """
        headers = {"authorization": f"Bearer {token_of(self.service, self.secret)}"}
        if body is not None:
            headers["content-type"] = "application/json" if body[:1] in b"{[" else "application/octet-stream"
        call = Call(
            method, self.url + path, headers, body, deadline=deadline, at_most=16 * 1024 * 1024, idempotent=True
        )
        try:
            return (await self.outbound.send(call)).body
        except Refused as refused:
            if refused.status >= 500 or refused.status == 429:
                raise PeerUnavailable(retry_after=refused.retry_after or 1.0) from refused
            raise PeerRefused(refused.status) from refused
        except (NotSent, Unanswered, AnswerTooLarge) as trouble:
            raise PeerUnavailable from trouble


def token_of(service: str, secret: Sealer) -> str:
    """What a service shows: its name, and what only who knows its secret can make."""
    return f"{service}.{base64.urlsafe_b64encode(secret.derive(_PURPOSE)).decode().rstrip('=')}"


@dataclass(frozen=True, slots=True)
class Peers:
    """The services that may call this one, with the secret of each; a part of the application."""

    secrets: Mapping[str, Sealer] = field(repr=False)

    def named(self, token: str) -> str | None:
        """The service that shows this token, if it is one of ours."""
        service = token.partition(".")[0]
        secret = self.secrets.get(service)
        if secret is None or not hmac.compare_digest(token.encode(), token_of(service, secret).encode()):
            return None
        return service


async def calling_service(
    request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> str:
    """The name of the service that calls.

    Raises:
        NotFound: no service may call this one.
        Unauthenticated: the token is missing or wrong.
    """
    peers: Peers | None = request.app.state.parts.get(Peers)
    if peers is None or not peers.secrets:
        raise NotFound
    service = None if shown is None else peers.named(shown.credentials)
    if service is None:
        raise Unauthenticated
    return service


CallingService = Annotated[str, Depends(calling_service)]
