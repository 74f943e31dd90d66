from collections.abc import Sequence

from fastapi import APIRouter

from sandbox.faults import Door, Faults
from sandbox.github.api import Api
from sandbox.github.oauth import OAuth
from sandbox.github.world import App, Person, World
from sandbox.member import Server
from sandbox.openid.answering import answering
from sandbox.openid.grants import Grants
from sandbox.received import Received


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
        add = routes.add_api_route
        add("/github/control/app", self.read_app, methods=["GET"])
        add("/github/control/app", self.put_app, methods=["PUT"])
        add("/github/control/people", self.list_people, methods=["GET"])
        add("/github/control/people", self.put_person, methods=["POST"], status_code=201)
        return routes

    async def read_app(self) -> App:
        """How GitHub treats the application."""
        return self._world.app

    async def put_app(self, app: App) -> App:
        """Treat the application so; what is not given is as at the start."""
        self._world.app = app
        return app

    async def list_people(self) -> list[Person]:
        """All accounts."""
        return self._world.people.all()

    async def put_person(self, person: Person) -> Person:
        """An account, in place of one of that id."""
        self._world.people.put(person.id, person)
        return person
