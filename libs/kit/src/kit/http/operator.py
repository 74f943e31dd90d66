"""Doors for operators, below `/internal`: the gateway does not lead there, and one token opens them."""

import hmac
from typing import Annotated, ClassVar

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from kit.errors import NotFound, Unauthenticated
from kit.http.caller import Door

_bearer = HTTPBearer(auto_error=False, description="The service's operator token")


class _Operator:
    """Lets in who shows the service's operator token; without one configured there is no such door."""

    door: ClassVar[Door] = Door("operator")

    async def __call__(
        self, request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> None:
        """Compare.

        Raises:
            NotFound: no token is configured.
            Unauthenticated: it is missing or wrong.
        """
        wanted: str = request.app.state.operator_token
        if not wanted:
            raise NotFound
        if shown is None or not hmac.compare_digest(shown.credentials.encode(), wanted.encode()):
            raise Unauthenticated


OperatorOnly = Depends(_Operator())
"""For a router's `dependencies`."""
