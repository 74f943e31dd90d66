from collections.abc import Sequence

from fastapi import FastAPI, Response
from pydantic import BaseModel

from sandbox import control, problems
from sandbox.doors import Doors
from sandbox.limits import BodyLimit
from sandbox.member import Member


class Health(BaseModel):
    """Whether the sandbox lives, and which listeners are up."""

    status: str
    servers: dict[str, bool] = {}


def create_app(members: Sequence[Member]) -> FastAPI:
    """All that the sandbox serves over HTTP: control, health, and every member behind its doors."""
    app = FastAPI(title="Rostrum sandbox", redirect_slashes=False)
    app.state.members = tuple(members)
    problems.install(app)
    app.include_router(control.router)
    app.add_api_route("/livez", livez, tags=["health"])
    app.add_api_route("/readyz", readyz, tags=["health"])
    for member in members:
        app.include_router(member.router, tags=[member.name])
    app.add_middleware(Doors, members=app.state.members)
    app.add_middleware(BodyLimit)
    return app


async def livez() -> Health:
    """The process answers."""
    return Health(status="live")


async def readyz(members: control.Members, response: Response) -> Health:
    """Every member can be reached; 503 while one cannot."""
    servers = {server.address: server.listening for member in members for server in member.servers}
    ready = all(servers.values())
    response.status_code = 200 if ready else 503
    return Health(status="ready" if ready else "not ready", servers=servers)
