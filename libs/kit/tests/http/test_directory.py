"""A request finds the same route whether it is compared with all of them or with those that begin alike."""

import asyncio
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI

from kit.http.app import create_app
from kit.http.directory import Directory

PATHS = (
    *("/livez", "/v1", "/v1/", "/v1/things", "/v1/things/", "/v1/things/7", "/v1/things/own", "/v1/things/7/parts"),
    *("/v1/others", "/v1/others/7", "/v1/nothing", "/v1/nothing/7", "/nothing", "/nothing/7/8", "/", "//", "/%76/7"),
    *("/inner/outer/deep", "/inner/outer/deep/7", "/files/a/b/c"),
)


def named(name: str) -> Any:
    async def answer() -> dict[str, str]:
        return {"route": name}

    return answer


def application() -> FastAPI:
    things, late, inner, outer, wild = (APIRouter(prefix=each) for each in ("/v1/things", "", "/outer", "/inner", ""))
    things.add_api_route("", named("things"), methods=["GET"])
    things.add_api_route("/own", named("own"), methods=["GET"])
    things.add_api_route("/{thing}", named("thing"), methods=["GET", "DELETE"])
    late.add_api_route("/v1/things/{thing}/parts", named("parts"), methods=["POST"])
    late.add_api_route("/v1/things/own", named("shadowed"), methods=["GET", "PUT"])
    inner.add_api_route("/deep", named("deep"), methods=["GET"])
    outer.include_router(inner)
    wild.add_api_route("/v1/{kind}", named("kind"), methods=["GET"])
    wild.add_api_route("/{all}/{rest}", named("all"), methods=["GET"])
    wild.add_api_route("/files/{path:path}", named("files"), methods=["GET"])
    return create_app(service="test", title="Test", routers=[things, late, outer, wild])


async def asked(app: FastAPI, method: str, path: str) -> tuple[int, bytes]:
    """Status and body, with the id of the request left out."""
    said: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"x-request-id", b"the-same-id")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": {},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    await app(scope, receive, send)
    return said[0]["status"], b"".join(each.get("body", b"") for each in said)


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
async def test_the_same_route_answers(method: str) -> None:
    app, plain = application(), application()
    assert isinstance(app.router.middleware_stack, Directory)
    plain.router.middleware_stack = plain.router.app
    for path in PATHS:
        assert await asked(app, method, path) == await asked(plain, method, path), path


async def test_a_route_that_comes_later_is_found() -> None:
    app = application()
    assert (await asked(app, "DELETE", "/v1/late"))[0] == 405
    app.add_api_route("/v1/late", named("late"), methods=["DELETE"])
    assert await asked(app, "DELETE", "/v1/late") == (200, b'{"route":"late"}')


async def test_requests_at_once_do_not_mix() -> None:
    app = application()
    answers = await asyncio.gather(*(asked(app, "GET", path) for path in ("/v1/things/own", "/v1/others") * 20))
    assert set(answers) == {(200, b'{"route":"own"}'), (200, b'{"route":"kind"}')}
