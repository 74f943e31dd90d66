"""Doors for operators, below `/internal`: the gateway does not lead there, and one token opens them."""

import hmac
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from kit.errors import NotFound, Unauthenticated

_bearer = HTTPBearer(auto_error=False, description="The service's operator token")


async def operator(request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
    """Let in who shows the service's operator token; without one configured there is no such door.

    Raises:
        NotFound: no token is configured.
        Unauthenticated: it is missing or wrong.
    """
    wanted: str = request.app.state.operator_token
    if not wanted:
        raise NotFound
    if shown is None or not hmac.compare_digest(shown.credentials.encode(), wanted.encode()):
        raise Unauthenticated


OperatorOnly = Depends(operator)
"""For a router's `dependencies`."""
