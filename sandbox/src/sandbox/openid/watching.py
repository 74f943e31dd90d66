"""For those who watch a provider from outside: who there is, how it behaves, which keys it has."""

from fastapi import APIRouter

from sandbox.openid.provider import Provider
from sandbox.openid.world import App, Person


def watch(routes: APIRouter, provider: Provider) -> None:
    """Add the paths of those who watch one provider."""

    async def read_app() -> App:
        """How the provider treats the application."""
        return provider.world.app

    async def put_app(app: App) -> App:
        """Treat the application so; what is not given is as at the start."""
        provider.world.app = app
        return app

    async def list_people() -> list[Person]:
        """All accounts."""
        return provider.world.people.all()

    async def put_person(person: Person) -> Person:
        """An account, in place of one of that subject."""
        provider.world.people.put(person.sub, person)
        return person

    async def rotate(drops_older: bool = False) -> dict[str, str]:
        """Sign with another key from now on; the older ones stay in the key set unless they are dropped."""
        return {"kid": provider.keys.rotate(provider.world.app.algorithm, drops_older=drops_older).kid}

    routes.add_api_route("/app", read_app, methods=["GET"])
    routes.add_api_route("/app", put_app, methods=["PUT"])
    routes.add_api_route("/people", list_people, methods=["GET"])
    routes.add_api_route("/people", put_person, methods=["POST"], status_code=201)
    routes.add_api_route("/keys/rotate", rotate, methods=["POST"])
