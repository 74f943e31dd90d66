"""For those who watch a provider from outside: who there is, how it behaves, which keys it has."""

from fastapi import APIRouter

from sandbox.openid.provider import Provider
from sandbox.openid.world import Person
from sandbox.staging import stage_all, stage_app


def watch(routes: APIRouter, provider: Provider) -> None:
    """Add the paths of those who watch one provider."""

    async def rotate(drops_older: bool = False) -> dict[str, str]:
        """Sign with another key from now on; the older ones stay in the key set unless they are dropped."""
        return {"kid": provider.keys.rotate(provider.world.app.algorithm, drops_older=drops_older).kid}

    stage_app(routes, provider.world)
    stage_all(routes, "/people", provider.world.people, Person, lambda one: one.sub)
    routes.add_api_route("/keys/rotate", rotate, methods=["POST"])
