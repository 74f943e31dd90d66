from collections.abc import Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox.faults import Door, Faults
from sandbox.google.provider import GoogleAccounts
from sandbox.json import write
from sandbox.member import Server
from sandbox.openid.answering import answering
from sandbox.openid.provider import origin
from sandbox.openid.watching import watch
from sandbox.received import Received


class Google:
    """Google's accounts, for signing in with OpenID Connect."""

    name = "google"
    about = "Google: sign-in with OpenID Connect."
    door: Door = "http"
    doors: Sequence[str] = ("/google/accounts", "/google/oauth2", "/google/openidconnect", "/google/www")
    servers: Sequence[Server] = ()
    webhooks = None

    def __init__(self, browser_url: str = "") -> None:
        self.faults = Faults()
        self.received = Received()
        self._browser_url = browser_url
        self._provider = GoogleAccounts()
        self.router = self._routes()

    def reset(self) -> None:
        """As at the start: three people, no code, no token."""
        self._provider.reset()

    def _discovery(self, request: Request) -> Response:
        here = origin(request)
        return Response(
            write(self._provider.discovery(here, self._browser_url or here)), media_type="application/json"
        )

    def _routes(self) -> APIRouter:
        routes = APIRouter()
        for path, endpoint, methods in (
            ("/google/accounts/.well-known/openid-configuration", self._discovery, ["GET"]),
            ("/google/accounts/o/oauth2/v2/auth", self._provider.authorize, ["GET"]),
            ("/google/oauth2/token", self._provider.token, ["POST"]),
            ("/google/openidconnect/v1/userinfo", self._provider.userinfo, ["GET"]),
            ("/google/www/oauth2/v3/certs", self._provider.certs, ["GET"]),
        ):
            routes.add_route(path, answering(endpoint), methods=methods)
        control = APIRouter(prefix="/google/control")
        watch(control, self._provider)
        routes.include_router(control)
        return routes
