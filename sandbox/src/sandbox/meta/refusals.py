"""How Meta says no: the error object that all its platforms answer with, and the errors that they share."""

import secrets
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from sandbox.json import Object, write

GRAPH_PAGE = "https://developers.facebook.com/docs/graph-api"

Endpoint = Callable[[Request], Awaitable[Response]]


class Refusal(Exception):
    """Meta says no: a status and an error object."""

    def __init__(self, status: int, error: Object) -> None:
        super().__init__(self.__doc__)
        self.status = status
        self.error = {**error, "fbtrace_id": f"A{secrets.token_urlsafe(16)}"}

    def answer(self) -> Response:
        """The refusal as a response."""
        return Response(write({"error": self.error}), self.status, media_type="application/json; charset=UTF-8")


def answering(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with a refusal answered in Meta's way."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refusal as refusal:
            return refusal.answer()

    return answer


def refuse(code: int, message: str, *, subcode: int = 0, status: int = 400, user: str = "") -> Refusal:
    """An error by its code, and its subcode if it has one; `user` is what people are shown."""
    error: Object = {"message": message, "type": "OAuthException", "code": code, "is_transient": False}
    if subcode:
        error |= {"error_subcode": subcode}
    if user:
        error |= {"error_user_title": message[:100], "error_user_msg": user}
    return Refusal(status, error)


def wrong_parameter(message: str) -> Refusal:
    """A parameter of the call itself is missing or wrong (code 100)."""
    return Refusal(400, {"message": f"(#100) {message}", "type": "OAuthException", "code": 100})


def no_object(method: str, node: str) -> Refusal:
    """There is no such node, or the token may not see it."""
    message = (
        f"Unsupported {method.lower()} request. Object with ID '{node}' does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation. Please read the Graph API documentation at "
        f"{GRAPH_PAGE}"
    )
    return Refusal(400, {"message": message, "type": "GraphMethodException", "code": 100, "error_subcode": 33})


def unknown_path(path: str) -> Refusal:
    """No such path, or no such version."""
    message = f"Unknown path components: {path}"
    return Refusal(400, {"message": message, "type": "OAuthException", "code": 2500})


def no_token() -> Refusal:
    """No access token came."""
    message = "An access token is required to request this resource."
    return Refusal(401, {"message": message, "type": "OAuthException", "code": 104})


def unknown_token() -> Refusal:
    """The access token is none."""
    message = "Invalid OAuth access token - Cannot parse access token"
    return Refusal(401, {"message": message, "type": "OAuthException", "code": 190})


def dead_token(state: str) -> Refusal:
    """The access token was good once."""
    subcode, why = {
        "expired": (463, "Session has expired on Friday, 01-Jan-26 00:00:00 PST."),
        "revoked": (460, "The session has been invalidated because the user changed their password."),
    }[state]
    message = f"Error validating access token: {why}"
    return Refusal(401, {"message": message, "type": "OAuthException", "code": 190, "error_subcode": subcode})
