"""The two calls of GitHub's API that tell who somebody is."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from sandbox.github.world import Person, World
from sandbox.json import Object, write
from sandbox.openid.grants import Access, Grants

DOCS = "https://docs.github.com/rest"
READS_EMAILS = {"user", "user:email"}


class Api:
    """What api.github.com answers about the bearer of a token."""

    def __init__(self, world: World, grants: Grants) -> None:
        self._world, self._grants = world, grants

    def user(self, request: Request) -> Response:
        """The account; the address is the public one, so often null."""
        return self._told(request, _profile, needs=set())

    def emails(self, request: Request) -> Response:
        """All addresses; without the scope it looks as if there were no such path."""
        return self._told(request, lambda person: [each.model_dump() for each in person.emails], needs=READS_EMAILS)

    def _told(self, request: Request, what: Callable[[Person], object], *, needs: set[str]) -> Response:
        if not request.headers.get("user-agent"):
            text = (
                b"Request forbidden by administrative rules. Please make sure your request has a User-Agent header."
            )
            return Response(text, 403, media_type="text/html")
        access = self._grants.holder(request.headers.get("authorization", ""))
        person = None if access is None else self._world.people.get(int(access.subject))
        if access is None or person is None:
            named = request.headers.get("authorization")
            return _error(401, "Bad credentials" if named else "Requires authentication")
        if needs and not needs & set(access.scopes):
            return _error(404, "Not Found", access)
        return Response(write(what(person)), headers=_headers(access), media_type="application/json; charset=utf-8")


def _profile(person: Person) -> Object:
    return {
        "login": person.login,
        "id": person.id,
        "type": "User",
        "site_admin": False,
        "name": person.name,
        "email": person.email,
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
    }


def _headers(access: Access) -> dict[str, str]:
    return {
        "x-oauth-scopes": ", ".join(access.scopes),
        "x-accepted-oauth-scopes": "",
        "x-github-media-type": "github.v3; format=json",
        "x-ratelimit-limit": "5000",
        "x-ratelimit-remaining": "4999",
    }


def _error(status: int, message: str, access: Access | None = None) -> Response:
    body = {"message": message, "documentation_url": DOCS, "status": str(status)}
    return Response(
        write(body), status, _headers(access) if access else {}, media_type="application/json; charset=utf-8"
    )
