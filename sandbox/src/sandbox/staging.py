"""What those who watch set up at a member: how its platform treats the application, and who is there."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from fastapi import APIRouter
from pydantic import BaseModel

from sandbox.shelf import Shelf

A = TypeVar("A", bound=BaseModel)
K = TypeVar("K")
V = TypeVar("V", bound=BaseModel)


class HasApp(Protocol[A]):
    """A world with the application in it."""

    app: A


def stage_app(routes: APIRouter, world: HasApp[A]) -> None:
    """Add `/app`: how the platform treats the application, read and set."""

    async def read_app() -> A:
        """How the platform treats the application."""
        return world.app

    async def put_app(app: A) -> A:
        """Treat the application so; what is not given is as at the start."""
        world.app = app
        return app

    model = type(world.app)
    put_app.__annotations__["app"] = model
    routes.add_api_route("/app", read_app, methods=["GET"], response_model=model)
    routes.add_api_route("/app", put_app, methods=["PUT"], response_model=model)


def stage_all(routes: APIRouter, path: str, shelf: Shelf[K, V], model: type[V], key: Callable[[V], K]) -> None:
    """Add the paths of those who are there: all of them, and one in place of whoever had its key."""

    async def list_all() -> list[V]:
        """All that there are."""
        return shelf.all()

    async def put_one(one: V) -> V:
        """This one, in place of one of that id."""
        shelf.put(key(one), one)
        return one

    put_one.__annotations__["one"] = model
    routes.add_api_route(path, list_all, methods=["GET"], response_model=list[model])  # type: ignore[valid-type]
    routes.add_api_route(path, put_one, methods=["POST"], status_code=201, response_model=model)
