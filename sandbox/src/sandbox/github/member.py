from collections.abc import Sequence

from fastapi import APIRouter

from sandbox.faults import Door, Faults
from sandbox.github.api import Api
from sandbox.github.oauth import OAuth
from sandbox.github.world import Person, World
from sandbox.member import Server
from sandbox.openid.answering import answering
from sandbox.openid.grants import Grants
from sandbox.received import Received
from sandbox.staging import stage_all, stage_app


class GitHub:
    """GitHub, for signing in by OAuth."""

    name = "github"
    about = "GitHub: OAuth for web applications, and who somebody is."
    door: Door = "http"
    doors: Sequence[str] = ("/github/www", "/github/api")
    servers: Sequence[Server] = ()
    webhooks = None

    def __init__(self) -> None:
        self.faults = Faults()
        self.received = Received()
        self._world = World()
        self._grants = Grants()
        self.router = self._routes()

    def reset(self) -> None:
        """As at the start: two people, no code, no token."""
        self._world.begin()
        self._grants.clear()

    def _routes(self) -> APIRouter:
        oauth, api = OAuth(self._world, self._grants), Api(self._world, self._grants)
        routes = APIRouter()
        for path, endpoint, methods in (
            ("/github/www/login/oauth/authorize", oauth.authorize, ["GET"]),
            ("/github/www/login/oauth/access_token", oauth.access_token, ["POST"]),
            ("/github/api/user", api.user, ["GET"]),
            ("/github/api/user/emails", api.emails, ["GET"]),
        ):
            routes.add_route(path, answering(endpoint), methods=methods)
        control = APIRouter(prefix="/github/control")
        stage_app(control, self._world)
        stage_all(control, "/people", self._world.people, Person, lambda one: one.id)
        routes.include_router(control)
        return routes
