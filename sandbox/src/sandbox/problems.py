"""Every error of the sandbox's own API is a problem document (RFC 9457)."""

import http
from collections.abc import Mapping, Sequence

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException


def problem(
    status: int,
    title: str,
    *,
    errors: Sequence[tuple[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document; `errors` are pairs of JSON pointer and detail."""
    document: dict[str, object] = {"type": "about:blank", "title": title, "status": status}
    if errors:
        document["errors"] = [{"pointer": pointer, "detail": detail} for pointer, detail in errors]
    return Response(orjson.dumps(document), status, headers=headers, media_type="application/problem+json")


class Invalid(Exception):
    """The request is not valid."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__(self.__doc__)
        self.errors = errors


def install(app: FastAPI) -> None:
    """Answer whatever goes wrong in this application with a problem document."""
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(Invalid, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_bug)


async def _on_invalid_request(_: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    errors = [(pointer(one["loc"]), _printable(str(one["msg"]))) for one in found[:20]]
    return problem(422, "The request is not valid.", errors=errors)


async def _on_invalid(_: Request, error: Exception) -> Response:
    return problem(422, "The request is not valid.", errors=getattr(error, "errors", ()))


async def _on_http(_: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    title = str(getattr(error, "detail", "")) or http.HTTPStatus(status).phrase
    return problem(status, title, headers=getattr(error, "headers", None))


async def _on_bug(_: Request, __: Exception) -> Response:
    """Say that there is a bug; the server logs it."""
    return problem(500, "The sandbox has a bug; its log says more.")


def pointer(location: Sequence[int | str]) -> str:
    """The JSON pointer of a place in the request; a place outside the body keeps its kind as first step."""
    steps = list(location)
    if steps and steps[0] == "body":
        steps = _without_union_tag(steps[1:])
    return "".join(f"/{_printable(str(step)).replace('~', '~0').replace('/', '~1')}" for step in steps)


def _without_union_tag(steps: list[int | str]) -> list[int | str]:
    """Pydantic names the chosen kind of a list's item as a step of its own, which is none in the document."""
    if len(steps) > 1 and isinstance(steps[0], int) and isinstance(steps[1], str):
        return [steps[0], *steps[2:]]
    return steps


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:500]
