"""Problem details (RFC 9457): one shape for everything that goes wrong over HTTP.

The type of a problem is `urn:rostrum:problem:<code>`: a name to compare with, not an address to fetch. A problem
never repeats what the client sent.
"""

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from kit.errors import DomainError, FieldError, TooManyRequests, TransientError, Unauthenticated
from kit.telemetry.logging import request_id

MEDIA_TYPE = "application/problem+json"

_MOST_ERRORS = 50
_RESERVED = frozenset({"type", "title", "status", "detail", "instance", "request_id", "errors"})


class ErrorItem(BaseModel):
    """What is wrong with one field; `pointer` for the body, `parameter` for query, path and header."""

    pointer: str | None = Field(None, description="JSON Pointer into the body, as a URI fragment: #/email")
    parameter: str | None = Field(None, description="Name of a query, path or header parameter")
    detail: str


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="urn:rostrum:problem:<code>")
    title: str
    status: int
    detail: str | None = None
    instance: str | None = None
    request_id: str | None = None
    errors: list[ErrorItem] | None = None


def problem_type(code: str) -> str:
    """The name of a kind of problem."""
    return f"urn:rostrum:problem:{code}"


def document(
    status: int,
    code: str,
    title: str,
    detail: str | None = None,
    *,
    errors: Sequence[FieldError] = (),
    extensions: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """A problem document as a JSON object."""
    body: dict[str, Any] = {"type": problem_type(code), "title": title, "status": status}
    if detail and detail != title:
        body["detail"] = detail
    if request_id.get():
        body["request_id"] = request_id.get()
    if errors:
        body["errors"] = [_item(error) for error in errors[:_MOST_ERRORS]]
    body |= {name: value for name, value in (extensions or {}).items() if name not in _RESERVED}
    return body


def _item(error: FieldError) -> dict[str, str]:
    place = "pointer" if error.pointer.startswith("#") else "parameter"
    return {place: error.pointer, "detail": error.detail}


def answer(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """The response that carries a problem document."""
    return Response(
        orjson.dumps(body, default=str),
        status_code=body["status"],
        headers={"cache-control": "no-store", **(headers or {})},
        media_type=MEDIA_TYPE,
    )


def answer_to(error: DomainError | TransientError) -> Response:
    """The response to an expected error."""
    if isinstance(error, TransientError):
        body = document(error.status, error.code, "Temporarily unavailable.", error.detail)
        return answer(body, {"retry-after": seconds(error.retry_after)})
    body = document(
        error.status,
        error.code,
        error.title(),
        error.detail,
        errors=error.errors,
        extensions=error.extensions,
    )
    return answer(body, _headers(error))


def _headers(error: DomainError) -> dict[str, str]:
    if isinstance(error, TooManyRequests):
        return {"retry-after": seconds(error.retry_after)}
    if isinstance(error, Unauthenticated):
        refused = error.code == "invalid-token"
        return {"www-authenticate": 'Bearer error="invalid_token"' if refused else "Bearer"}
    return {}


def answer_status(status: int, detail: str | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """The response for a plain HTTP status, such as 404 or 405."""
    phrase = HTTPStatus(status).phrase
    code = phrase.lower().replace(" ", "-").replace("'", "")
    return answer(document(status, code, f"{phrase}.", detail), headers)


def answer_bug() -> Response:
    """The response to what nobody expected: no detail leaves the house."""
    return answer(document(500, "internal", "Something went wrong on our side."))


def seconds(wait: float) -> str:
    """A wait as `Retry-After` wants it: whole seconds, at least one."""
    return str(max(1, math.ceil(wait)))


def problems(*errors: type[DomainError] | type[TransientError]) -> dict[int | str, dict[str, Any]]:
    """What an endpoint may answer besides success, for its `responses=`; the titles become the documentation."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        title = error.title() if issubclass(error, DomainError) else "Temporarily unavailable."
        line = f"`{error.code}`: {title}"
        earlier = by_status.get(error.status)
        by_status[error.status] = {
            "description": f"{earlier['description']}\n\n{line}" if earlier else line,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return by_status
