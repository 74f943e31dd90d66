"""The OpenAPI document: problems instead of the framework's own error shapes."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from kit.http.problem import MEDIA_TYPE, Problem

_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_FRAMEWORKS = ("HTTPValidationError", "ValidationError")


def describe_problems(app: FastAPI) -> None:
    """Make the application's OpenAPI document speak of problem documents."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _with_problems(get_openapi(title=app.title, version=app.version, routes=app.routes))
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # FastAPI documents this very assignment


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _FRAMEWORKS:
        schemas.pop(name, None)
    own = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(own.pop("$defs", {}))
    schemas["Problem"] = own
    for operations in document.get("paths", {}).values():
        for operation in operations.values():
            responses = operation.setdefault("responses", {})
            if "HTTPValidationError" in str(responses.get("422")):
                responses["422"] = {"description": "The input is not valid.", "content": _PROBLEM}
            responses.setdefault("default", {"description": "A problem.", "content": _PROBLEM})
    return document
