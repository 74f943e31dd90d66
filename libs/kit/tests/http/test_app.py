"""The application as a client sees it, through a real server."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header

from kit.errors import Conflict, FieldError, Invalid, TooManyRequests, TransientError
from kit.http.app import create_app, part
from kit.http.middleware import BodyTooSlow, Intake
from kit.http.models import Line, Model, Out
from kit.http.problem import problems
from kit.telemetry import tracing

Serving = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]

NAUGHTY = json.loads((Path(__file__).parents[1] / "data/naughty_strings.json").read_text())["strings"]
router = APIRouter(prefix="/v1")


class Rename(Model):
    name: Line
    tags: tuple[str, ...] = ()
    size: int = 1


class ThingOut(Out):
    name: str


class NameTaken(Conflict):
    """This name is taken."""

    code = "name-taken"


class Greeter:
    def greet(self) -> str:
        return "hello"


@router.put("/things/{thing_id}", responses=problems(NameTaken, TransientError))
async def rename(
    thing_id: UUID,  # noqa: ARG001 - these are here to be checked, not used
    body: Rename,
    limit: int = 1,  # noqa: ARG001
    x_size: Annotated[int, Header()] = 1,  # noqa: ARG001
) -> ThingOut:
    if body.name == "taken":
        raise NameTaken("Choose another.", suggestion="taken-2")
    return ThingOut(name=body.name)


@router.get("/fails/{how}")
async def fail(how: str) -> None:
    raise {
        "bug": RuntimeError("the secret is hunter2"),
        "transient": TransientError(retry_after=2.2),
        "busy": TooManyRequests(retry_after=7),
        "invalid": Invalid(errors=[FieldError("#/a", "Not so.")]),
    }[how]


@router.get("/greeting")
async def greeting(greeter: Annotated[Greeter, Depends(part(Greeter))]) -> str:
    return greeter.greet()


@router.get("/trace")
async def trace() -> str | None:
    return tracing.current_traceparent()


@pytest.fixture
def app() -> FastAPI:
    return create_app(
        service="sample",
        title="Sample",
        routers=[router],
        parts=[Greeter()],
        body_limit=10_000,
        raw_paths=("/hooks",),
    )


THING = "/v1/things/0190b7a8-5f3e-7c11-8c6e-000000000001"


async def put(client: Any, body: bytes | str, media: str = "application/json") -> Any:
    content = body.encode() if isinstance(body, str) else body
    return await client.put(THING, content=content, headers={"content-type": media})


async def test_a_good_request_is_answered_with_its_request_id(app: FastAPI, serving: Serving) -> None:
    async with serving(app) as client:
        answer = await client.put(THING, json={"name": "  Anna "}, headers={"x-request-id": "0190b7a8-from-gateway"})
    assert (answer.status_code, answer.json()) == (200, {"name": "Anna"})
    assert answer.headers["x-request-id"] == "0190b7a8-from-gateway"
    assert "server" not in answer.headers


async def test_a_request_id_that_does_not_look_like_one_is_replaced(app: FastAPI, serving: Serving) -> None:
    async with serving(app) as client:
        answer = await client.get("/v1/greeting", headers={"x-request-id": "<script>"})
    assert UUID(answer.headers["x-request-id"]).version == 7


async def test_what_is_wrong_with_a_request_is_told_place_by_place_and_never_repeated(
    app: FastAPI, serving: Serving
) -> None:
    async with serving(app) as client:
        answer = await client.put(
            "/v1/things/not-a-uuid?limit=many",
            json={"tags": ["ok", 5], "size": "hunter2", "oddity": "hunter2"},
            headers={"x-size": "hunter2"},
        )
    problem = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == "urn:rostrum:problem:invalid"
    assert problem["request_id"] == answer.headers["x-request-id"]
    places = {item.get("pointer") or item["parameter"] for item in problem["errors"]}
    assert places == {"thing_id", "limit", "x-size", "#/name", "#/tags/1", "#/size", "#/oddity"}
    assert "hunter2" not in answer.text
    assert "not-a-uuid" not in answer.text


async def test_a_hostile_member_name_is_not_repeated(app: FastAPI, serving: Serving) -> None:
    async with serving(app) as client:
        answer = await client.put(THING, json={"name": "x", "<img src=x>": 1})
    assert answer.status_code == 422
    assert "img" not in answer.text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("", 422, "invalid"),
        ("{", 400, "malformed-json"),
        ('{"name": "a", "size": NaN}', 400, "malformed-json"),
        ('{"name": "a", "size": -Infinity}', 400, "malformed-json"),
        ('{"name": "a", "name": "b"}', 400, "malformed-json"),
        ('{"name": "a\\u0000"}', 422, "text-not-allowed"),
        ('{"name": "a\\ud800"}', 422, "text-not-allowed"),
        ('{"name\\udfff": "a"}', 422, "text-not-allowed"),
        (b'{"name": "\xff"}', 400, "malformed-json"),
        (b'{"name": "a\x00"}', 400, "malformed-json"),
        ('{"name": "a", "size": ' + "9" * 5000 + "}", 400, "malformed-json"),
        ("[" * 4000, 400, "malformed-json"),
        ("[" * 100 + "]" * 100, 400, "malformed-json"),
        ('{"name": "a", "size": 123456789012345678901234567890}', 200, None),
        ('{"name": "\\\\u0000"}', 200, None),
        ("[]", 422, "invalid"),
        ("null", 422, "invalid"),
        ('"text"', 422, "invalid"),
    ],
)
async def test_json_is_read_strictly(
    app: FastAPI, serving: Serving, body: Any, status: int, code: str | None
) -> None:
    async with serving(app) as client:
        answer = await put(client, body)
    assert answer.status_code == status, answer.text
    if code:
        assert answer.json()["type"] == f"urn:rostrum:problem:{code}"


async def test_a_body_of_another_kind_is_refused_with_415(app: FastAPI, serving: Serving) -> None:
    async with serving(app) as client:
        answer = await put(client, '{"name": "a"}', "text/plain")
    assert answer.status_code == 415
    assert answer.json()["type"] == "urn:rostrum:problem:unsupported-media-type"


async def test_a_body_beyond_the_limit_is_refused_by_its_length(app: FastAPI, serving: Serving) -> None:
    async with serving(app) as client:
        answer = await put(client, b'{"name": "' + b"a" * 10_000 + b'"}')
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:rostrum:problem:content-too-large"


@pytest.mark.parametrize("media", ["application/json", "text/plain"])
async def test_a_streamed_body_beyond_the_limit_is_refused_when_it_is_reached(
    app: FastAPI, serving: Serving, media: str
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b'"' + b"a" * 1000

    async with serving(app) as client:
        answer = await client.put(THING, content=endless(), headers={"content-type": media})
    assert answer.status_code == 413


async def test_nul_in_the_address_is_refused(app: FastAPI, serving: Serving) -> None:
    async with serving(app) as client:
        assert (await client.get("/v1/things/%00")).status_code == 422
        assert (await client.get("/v1/greeting?q=%00")).status_code == 422


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [("/v1/nothing", 404, "not-found"), ("/v1/greeting/", 404, "not-found"), ("/v1/fails/bug", 500, "internal")],
)
async def test_every_failure_is_a_problem_document(
    app: FastAPI, serving: Serving, path: str, status: int, kind: str
) -> None:
    async with serving(app) as client:
        answer = await client.get(path)
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["type"]) == (status, status, f"urn:rostrum:problem:{kind}")
    assert problem["title"]
    assert "hunter2" not in answer.text


async def test_a_wrong_method_says_which_are_right(app: FastAPI, serving: Serving) -> None:
    async with serving(app) as client:
        answer = await client.post("/v1/greeting")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.json()["type"] == "urn:rostrum:problem:method-not-allowed"


async def test_waiting_is_asked_for_in_whole_seconds(app: FastAPI, serving: Serving) -> None:
    async with serving(app) as client:
        assert (await client.get("/v1/fails/transient")).headers["retry-after"] == "3"
        busy = await client.get("/v1/fails/busy")
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "7")


async def test_a_domain_error_tells_title_detail_and_extensions(app: FastAPI, serving: Serving) -> None:
    async with serving(app) as client:
        answer = await client.put(THING, json={"name": "taken"})
    problem = answer.json()
    assert (answer.status_code, problem["title"]) == (409, "This name is taken.")
    assert (problem["detail"], problem["suggestion"]) == ("Choose another.", "taken-2")


async def test_parts_are_handed_to_endpoints_by_their_class(app: FastAPI, serving: Serving) -> None:
    async with serving(app) as client:
        assert (await client.get("/v1/greeting")).json() == "hello"


async def test_the_trace_of_the_caller_goes_on(app: FastAPI, serving: Serving) -> None:
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with serving(app) as client:
        assert (await client.get("/v1/trace", headers={"traceparent": given})).json() == given
        begun = (await client.get("/v1/trace", headers={"traceparent": "nonsense"})).json()
    assert tracing.parse(begun) is not None


async def test_changes_are_pushed_back_while_the_house_is_overloaded_and_reading_goes_on(serving: Serving) -> None:
    reason: list[str | None] = ["outbox"]
    app = create_app(
        service="sample", title="Sample", routers=[router], parts=[Greeter()], overloaded=lambda: reason[0]
    )
    async with serving(app) as client:
        refused = await client.put(THING, json={"name": "a"})
        assert (await client.get("/v1/greeting")).status_code == 200
        assert (await client.post("/internal/thing")).status_code == 404, "our own are let through"
        assert (await client.post("/internal-thing")).status_code == 503
        reason[0] = None
        assert (await client.put(THING, json={"name": "a"})).status_code == 200
    assert refused.status_code == 503
    assert refused.json()["type"] == "urn:rostrum:problem:overloaded"
    assert int(refused.headers["retry-after"]) >= 1


async def test_requests_are_measured_by_route_not_by_path(app: FastAPI, serving: Serving) -> None:
    async with serving(app) as client:
        await client.put(THING, json={"name": "a"})
        await client.get("/v1/no-such-thing")
        text = (await client.get("/metrics")).text
    assert 'http_route="/v1/things/{thing_id}"' in text
    assert "sample_http_server_request_duration_seconds_count" in text
    assert "no-such-thing" not in text
    assert "0190b7a8-5f3e" not in text


async def test_the_openapi_document_speaks_of_problems(app: FastAPI, serving: Serving) -> None:
    async with serving(app) as client:
        document = (await client.get("/openapi.json")).json()
    responses = document["paths"]["/v1/things/{thing_id}"]["put"]["responses"]
    for status in ("409", "422", "503", "default"):
        assert list(responses[status]["content"]) == ["application/problem+json"]
    assert "This name is taken." in responses["409"]["description"]
    assert "HTTPValidationError" not in json.dumps(document)
    assert "/livez" not in document["paths"]


@pytest.mark.parametrize("text", NAUGHTY)
async def test_a_naughty_string_never_breaks_the_application(app: FastAPI, text: str) -> None:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for answer in (
            await client.put(THING, json={"name": text, "tags": [text]}),
            await client.put(THING, json={text: text}),
            await client.put("/v1/things/" + quote(text, safe=""), json={"name": "a"}),
            await client.get("/v1/greeting", params={"q": text, "limit": text}),
        ):
            assert answer.status_code < 500, text


async def test_a_body_that_never_comes_is_not_waited_for_for_ever() -> None:
    async def never() -> Any:
        await asyncio.Event().wait()

    async def unwanted(*_: Any) -> None:
        raise AssertionError("A body that did not come is neither passed on nor answered here.")

    scope = {
        "type": "http",
        "path": "/",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"5")],
    }
    with pytest.raises(BodyTooSlow):
        await Intake(unwanted, limit=10, patience=0.01)(scope, never, unwanted)
