"""The application factory: every service's HTTP side is made here and behaves alike."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import TypeVar

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import ASGIApp

from kit.clock import Clock, SystemClock
from kit.errors import DomainError, Invalid, TransientError
from kit.http import openapi, problem
from kit.http.acting import Admission, nobody
from kit.http.caller import TokenVerifier
from kit.http.directory import Directory
from kit.http.health import Check, Health
from kit.http.health import router as health_router
from kit.http.middleware import BackPressure, Intake, Mounts, Surroundings, is_json
from kit.http.validation import field_errors

T = TypeVar("T")
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

BODY_LIMIT = 1024 * 1024

_INCLUDED = "rostrum_included"


def create_app(
    *,
    service: str,
    title: str,
    version: str = "1",
    routers: Iterable[APIRouter] = (),
    parts: Iterable[object] = (),
    checks: Mapping[str, Check] | None = None,
    told: Collection[str] = (),
    verifier: TokenVerifier | None = None,
    clock: Clock | None = None,
    overloaded: Callable[[], str | None] | None = None,
    body_limit: int = BODY_LIMIT,
    raw_paths: tuple[str, ...] = (),
    large_bodies: Mapping[str, int] | None = None,
    mounts: Mapping[str, ASGIApp] | None = None,
    operator_token: str = "",
    acting: Admission = nobody,
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """An application with request ids, traces, metrics, limits, problems and health.

    `parts` are handed to endpoints by their class (see `part`). `checks` decide readiness, but for those `told` only.
    `overloaded` names a reason while changes are to be refused; it is asked on every such request and must not wait.
    Bodies below `raw_paths` are left byte for byte, and below a path of `large_bodies` may have so many bytes.
    `mounts` are plain ASGI applications for exact paths, which have request ids, traces and metrics, but neither
    limits nor back-pressure. `operator_token` opens routers that stand behind `kit.http.operator`; without it they
    are not there. `acting` lets in requests of staff in a person's place. A server takes WebSockets only where some
    router has a door for them.
    """
    app = FastAPI(
        title=title,
        version=version,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    routers = tuple(routers)
    app.state.service = service
    app.state.verifier = verifier
    app.state.websockets = any(isinstance(route, WebSocketRoute) for router in routers for route in router.routes)
    app.state.health = Health(checks or {}, told=told)
    app.state.clock = clock or SystemClock()
    app.state.operator_token = operator_token
    app.state.acting = acting
    app.state.parts = {type(value): value for value in parts}
    app.router.routes.extend(_included(router) for router in (*routers, health_router))  # in the order they are tried
    app.router.middleware_stack = Directory(app.router)
    _handle_errors(app)
    app.add_middleware(Intake, limit=body_limit, raw=raw_paths, large=large_bodies)
    if overloaded is not None:
        app.add_middleware(BackPressure, overloaded=overloaded)
    if mounts:
        app.add_middleware(Mounts, mounts=mounts)
    app.add_middleware(Surroundings)
    openapi.describe_problems(app)
    return app


def _included(router: APIRouter) -> BaseRoute:
    """The route that stands for all of a router's.

    The applications of a process that have the same router share it, and with it what FastAPI finds out about an
    endpoint when it is first asked for: that takes milliseconds each, and tests make thousands of applications.
    """
    found: BaseRoute | None = getattr(router, _INCLUDED, None)
    if found is None:
        whole = APIRouter()
        whole.include_router(router)
        (found,) = whole.routes
        setattr(router, _INCLUDED, found)
    return found


def part(kind: type[T]) -> Callable[[Request], Awaitable[T]]:
    """A dependency that gives an endpoint a part: `Posts = Annotated[PostService, Depends(part(PostService))]`.

    It is a coroutine although it waits for nothing: what is none FastAPI runs on a thread, which costs more than most
    endpoints do, and a place in a queue when the machine is busy.
    """

    async def given(request: Request) -> T:
        found: T = request.app.state.parts[kind]
        return found

    return given


def _handle_errors(app: FastAPI) -> None:
    app.add_exception_handler(DomainError, _on_expected)
    app.add_exception_handler(TransientError, _on_expected)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(StarletteHTTPException, _on_status)


async def _on_expected(_request: Request, error: Exception) -> Response:
    if not isinstance(error, DomainError | TransientError):
        raise error
    return problem.answer_to(error)


async def _on_invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    if isinstance(error.body, bytes) and not is_json(request.headers.get("content-type")):
        return problem.answer_status(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send JSON as application/json.")
    return problem.answer_to(Invalid(errors=field_errors(error)))


async def _on_status(_request: Request, error: Exception) -> Response:
    if not isinstance(error, StarletteHTTPException):
        raise error
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() in _KEPT}
    return problem.answer_status(error.status_code, headers=headers)


_KEPT = frozenset({"allow", "retry-after", "www-authenticate"})
