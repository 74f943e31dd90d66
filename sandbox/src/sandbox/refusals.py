"""A member says no in its own words: a status and a body, wherever in an endpoint it turns out."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from sandbox.json import Object, write

Endpoint = Callable[[Request], Awaitable[Response]]


class Refusal(Exception):
    """The third party says no."""

    def __init__(self, status: int, body: Object, headers: dict[str, str] | None = None) -> None:
        super().__init__(self.__doc__)
        self.status, self.body, self.headers = status, body, headers or {}

    def answer(self) -> Response:
        """The refusal as a response."""
        return Response(write(self.body), self.status, self.headers, media_type="application/json")


def answering(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with a refusal answered as the third party words it."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refusal as refusal:
            return refusal.answer()

    return answer


def json_answer(document: Object, status: int = 200) -> Response:
    """A document as an answer."""
    return Response(write(document), status, media_type="application/json; charset=utf-8")
