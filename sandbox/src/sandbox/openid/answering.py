"""How an endpoint of a provider answers a refusal."""

from collections.abc import Awaitable, Callable
from inspect import isawaitable

from starlette.requests import Request
from starlette.responses import Response

from sandbox.openid.provider import Refusal

Endpoint = Callable[[Request], Response | Awaitable[Response]]


def answering(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint, with a refusal answered as the provider words it."""

    async def answer(request: Request) -> Response:
        try:
            said = endpoint(request)
            return await said if isawaitable(said) else said
        except Refusal as refusal:
            return refusal.answer()

    return answer
