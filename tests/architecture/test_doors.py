"""Every route says who may enter, and says it once."""

import inspect
from importlib import import_module
from typing import Final

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from contracts.names import ROLES
from contracts.permissions import PERMISSIONS, ROLE_MEANINGS, WAITING
from gateway.problems import Refused
from gateway.routes import ROUTES, RouteTable
from kit.http.app import create_app
from kit.http.doors import Route, routes_of
from postrules.limits import Platform

from .test_layout import SERVICES

HOW: Final = (
    "let it ask for one of Depends(permitted(…)), Depends(permitted_by_rows(…)), OrganizationCaller, PersonalCaller; "
    "or give it dependencies=[OpenToAnybody]; see docs/howto/add-an-endpoint.md"
)


def routes(service: str) -> list[Route]:
    return routes_of(create_app(service=service, title=service, routers=import_module(f"{service}.api").ROUTERS))


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_declares_one_door(service: str) -> None:
    wrong = [f"{each.method} {each.path}" for each in routes(service) if len(each.doors) != 1 and not each.internal]
    assert not wrong, f"{wrong}: {HOW}"


def test_every_permission_is_asked_for_by_some_door_or_waits_for_one() -> None:
    asked = {
        door.permission
        for service in SERVICES
        for each in routes(service)
        for door in each.doors
        if door.whose == "permitted"
    }
    assert asked == set(PERMISSIONS) - WAITING, "a permission without a door stands in WAITING, and only such"


def test_the_matrix_speaks_of_roles_that_exist_and_an_owner_may_everything() -> None:
    assert list(ROLE_MEANINGS) == list(ROLES)
    for name, permission in PERMISSIONS.items():
        assert permission.roles <= set(ROLES), name
        assert "owner" in permission.roles, name
        assert permission.says.endswith("."), name


def paths(template: str) -> list[str]:
    """What a path with places in it stands for: a platform is one of those that there are, anything else a word."""
    found = [
        template.replace("{platform}", platform) for platform in (Platform if "{platform}" in template else [""])
    ]
    return [path.replace("{", "").replace("}", "") for path in found]


@pytest.mark.parametrize("service", SERVICES)
def test_the_gateway_lets_strangers_in_where_the_service_does_and_nowhere_else(service: str) -> None:
    """What a service opens to anybody must not ask for a token at the gateway, and the other way round."""
    table = RouteTable(ROUTES)
    for each in routes(service):
        if each.internal or not each.path.startswith(("/v1/", "/.well-known/")):
            continue
        for path in paths(each.path):
            try:
                route = table.match(each.method, path)
            except Refused:
                pytest.fail(f"the gateway does not lead to {each.method} {path}")
            if each.door.whose == "anybody":
                assert route.public, f"the gateway asks for a token at {each.method} {path}, the service does not"


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_that_a_route_needs_is_computed_on_a_thread(service: str) -> None:
    """FastAPI runs what is no coroutine on a thread: dearer than most endpoints, and a queue."""
    routers = import_module(f"{service}.api").ROUTERS
    found = [each for router in routers for each in router.routes if isinstance(each, APIRoute)]
    wrong = {f"{each.path}: {call!r}" for each in found for call in calls_of(each.dependant) if not awaited(call)}
    assert found
    assert not wrong, f"{wrong}: make it an async def"


def calls_of(dependant: Dependant) -> list[object]:
    own = [] if dependant.call is None else [dependant.call]
    return [*own, *(call for each in dependant.dependencies for call in calls_of(each))]


def awaited(call: object) -> bool:
    called = call if inspect.isfunction(call) or inspect.ismethod(call) else type(call).__call__
    return inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(called)
