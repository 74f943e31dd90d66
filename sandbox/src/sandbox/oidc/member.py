from collections.abc import Sequence

from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sandbox.faults import Door, Faults
from sandbox.json import write
from sandbox.member import Server
from sandbox.oidc.tenant import Tenant
from sandbox.openid.answering import answering
from sandbox.openid.provider import origin
from sandbox.openid.world import App, Person
from sandbox.received import Received
from sandbox.shelf import Shelf

KEPT_TENANTS = 1000


class Oidc:
    """The identity providers of companies: any number of tenants, each an issuer of its own."""

    name = "oidc"
    about = "Identity providers of companies, as Keycloak's realms: OpenID Connect, well or badly behaved."
    door: Door = "http"
    doors: Sequence[str] = ("/oidc/realms",)
    servers: Sequence[Server] = ()
    webhooks = None

    def __init__(self, browser_url: str = "") -> None:
        self.faults = Faults()
        self.received = Received()
        self._browser_url = browser_url
        self._tenants: Shelf[str, Tenant] = Shelf(most=KEPT_TENANTS)
        self.reset()
        self.router = self._routes()

    def reset(self) -> None:
        """As at the start: the tenants `acme` and `umbrella`."""
        self._tenants.clear()
        for name in ("acme", "umbrella"):
            self._tenants.put(name, Tenant(name))

    def _tenant(self, name: str) -> Tenant:
        found = self._tenants.get(name)
        if found is None:
            raise HTTPException(404, "Realm does not exist")
        return found

    def _of(self, request: Request) -> Tenant:
        return self._tenant(request.path_params["tenant"])

    def _discovery(self, request: Request) -> Response:
        here = origin(request)
        document = self._of(request).discovery(here, self._browser_url or here)
        return Response(write(document), media_type="application/json")

    async def _token(self, request: Request) -> Response:
        return await self._of(request).token(request)

    def _routes(self) -> APIRouter:
        routes = APIRouter()
        below = "/oidc/realms/{tenant}"
        for path, endpoint, methods in (
            ("/.well-known/openid-configuration", self._discovery, ["GET"]),
            ("/protocol/openid-connect/auth", lambda request: self._of(request).authorize(request), ["GET"]),
            ("/protocol/openid-connect/token", self._token, ["POST"]),
            ("/protocol/openid-connect/userinfo", lambda request: self._of(request).userinfo(request), ["GET"]),
            ("/protocol/openid-connect/certs", lambda request: self._of(request).certs(request), ["GET"]),
        ):
            routes.add_route(f"{below}{path}", answering(endpoint), methods=methods)
        add = routes.add_api_route
        control = "/oidc/control/{tenant}"
        add(control, self.put_tenant, methods=["PUT"], status_code=201)
        add(f"{control}/app", self.read_app, methods=["GET"])
        add(f"{control}/app", self.put_app, methods=["PUT"])
        add(f"{control}/people", self.list_people, methods=["GET"])
        add(f"{control}/people", self.put_person, methods=["POST"], status_code=201)
        add(f"{control}/keys/rotate", self.rotate, methods=["POST"])
        return routes

    async def put_tenant(self, tenant: str) -> dict[str, str]:
        """A tenant of this name, new and empty."""
        if not tenant.replace("-", "").isalnum() or len(tenant) > 60:
            raise HTTPException(422, "Letters, digits and dashes, at most 60.")
        self._tenants.put(tenant, Tenant(tenant, ()))
        return {"name": tenant}

    async def read_app(self, tenant: str) -> App:
        """How the tenant treats the application."""
        return self._tenant(tenant).world.app

    async def put_app(self, tenant: str, app: App) -> App:
        """Treat the application so; what is not given is as at the start."""
        self._tenant(tenant).world.app = app
        return app

    async def list_people(self, tenant: str) -> list[Person]:
        """All accounts."""
        return self._tenant(tenant).world.people.all()

    async def put_person(self, tenant: str, person: Person) -> Person:
        """An account, in place of one of that subject."""
        self._tenant(tenant).world.people.put(person.sub, person)
        return person

    async def rotate(self, tenant: str, drops_older: bool = False) -> dict[str, str]:
        """Sign with another key from now on; the older ones stay in the key set unless they are dropped."""
        found = self._tenant(tenant)
        return {"kid": found.keys.rotate(found.world.app.algorithm, drops_older=drops_older).kid}
