"""Closed for maintenance: said to customers, not to staff, webhooks and health; known to all within seconds."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest

from contracts.auth import SystemSettingChanged
from gateway.maintenance import LONGEST_WAIT, USUAL_WAIT, Maintenance, MaintenanceWatch, Told
from gateway.redis_pipe import RedisPipe
from gateway.routes import GET, ROUTES, Route, RouteTable

from .conftest import STAFF, WITHIN, until

NOW = datetime(2030, 1, 1, tzinfo=UTC)
OPEN = Route("/v1/open", "auth", public=True)
CLOSED = Route("/v1/closed", "auth")
STAFFED = Route("/v1/staff", "auth", staff=True)
HOOK = Route("/v1/webhooks/x", "inbox", public=True, through_maintenance=True)
EVENTS = Route("/v1/events", "gateway", methods=GET)
DOORS = (OPEN, CLOSED, STAFFED, HOOK, EVENTS)


@pytest.fixture
async def redis(redis_url: str, namespace: str) -> Any:
    pipe = RedisPipe(redis_url, timeout=WITHIN)
    await pipe.start()
    await until(lambda: pipe.up)
    yield pipe
    await pipe.ask("DEL", f"{namespace}:maintenance")
    await pipe.stop()


class Auth:
    """Says what the setting is, or nothing."""

    def __init__(self) -> None:
        self.told, self.asked, self.away = Told(), 0, False

    async def __call__(self) -> bytes:
        self.asked += 1
        if self.away:
            raise OSError("away")
        return orjson.dumps(self.told.model_dump(mode="json"))


def known() -> Maintenance:
    return Maintenance(lambda: NOW)


def closed(version: int = 1, **more: Any) -> Told:
    return Told(version=version, on=True, **more)


async def test_customers_are_told_and_staff_webhooks_and_health_pass(house: Any) -> None:
    maintenance = known()
    opened = await house(routes=DOORS, maintenance=maintenance)
    token = opened.issuer.token(org=str(uuid4()), role="owner")
    staff = opened.issuer.token(aud=STAFF, principal="staff", staff_role="admin", permissions="users.read")
    assert (await opened.ask("/v1/closed", token=token)).status == 200
    maintenance.note(closed(message="We move to a larger house."))
    for path in ("/v1/open", "/v1/closed", "/v1/events"):
        refused = await opened.ask(path, token=token)
        assert (refused.status, refused.json()["type"]) == (503, "urn:rostrum:problem:maintenance"), path
        assert refused.json()["detail"] == "We move to a larger house."
        assert refused["retry-after"] == str(USUAL_WAIT)
    assert (await opened.ask("/v1/staff/users", token=staff)).status == 200
    assert (await opened.ask("/v1/webhooks/x", method="POST", body=b"{}")).status == 200
    assert (await opened.ask("/livez")).status == 200
    maintenance.note(Told(version=2))
    assert (await opened.ask("/v1/closed", token=token)).status == 200


async def test_named_paths_stay_open_by_whole_segments(house: Any) -> None:
    maintenance = known()
    maintenance.note(closed(allowed_paths=("/v1/open",)))
    opened = await house(routes=DOORS, maintenance=maintenance)
    assert (await opened.ask("/v1/open")).status == 200
    assert (await opened.ask("/v1/open/further")).status == 200
    assert (await opened.ask("/v1/closed")).status == 503


@pytest.mark.parametrize(
    ("until_", "wait"),
    [
        (None, USUAL_WAIT),
        (timedelta(minutes=10), 600),
        (timedelta(hours=-1), USUAL_WAIT),
        (timedelta(days=1), LONGEST_WAIT),
    ],
)
async def test_when_to_come_back(house: Any, until_: timedelta | None, wait: int) -> None:
    maintenance = known()
    maintenance.note(closed(until=None if until_ is None else NOW + until_))
    opened = await house(routes=DOORS, maintenance=maintenance)
    assert (await opened.ask("/v1/open"))["retry-after"] == str(wait)


def test_the_real_routes_that_stay_open() -> None:
    table = RouteTable()
    for method, path in (
        ("POST", "/v1/webhooks/whatsapp"),
        ("POST", "/v1/webhooks/linkedin"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/v1/system"),
    ):
        assert table.match(method, path).through_maintenance, path
    webhooks = [route for route in ROUTES if route.prefix.startswith("/v1/webhooks")]
    assert all(route.through_maintenance for route in webhooks)


def test_older_word_after_newer_changes_nothing() -> None:
    maintenance = known()
    assert maintenance.note(closed(3))
    assert not maintenance.note(Told(version=2))
    assert not maintenance.note(closed(3))
    assert maintenance.told.on


async def test_every_process_hears_it_and_one_that_starts_while_auth_is_away_learns_it(
    redis: Any, namespace: str
) -> None:
    auth, first, second = Auth(), known(), known()
    watches = [MaintenanceWatch(each, redis, namespace, auth, every=60) for each in (first, second)]
    running = [asyncio.create_task(each.run()) for each in watches]
    try:
        await until(lambda: auth.asked == 2)
        auth.told = closed(message="Soon back.")
        for watch in watches:
            await watch.hear(SystemSettingChanged(setting_id=uuid4(), setting="sign_ups"))
            await watch.hear(SystemSettingChanged(setting_id=uuid4(), setting="maintenance"))
        await until(lambda: first.told.on and second.told.on)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    auth.away, third = True, known()
    assert await MaintenanceWatch(third, redis, namespace, auth).synchronise()
    assert third.told.message == "Soon back."


async def test_without_auth_and_without_redis_the_platform_is_open(redis: Any, namespace: str) -> None:
    auth, maintenance = Auth(), known()
    auth.away = True
    assert not await MaintenanceWatch(maintenance, redis, namespace, auth).synchronise()
    assert not maintenance.told.on


async def test_older_word_does_not_replace_newer_in_redis(redis: Any, namespace: str) -> None:
    auth, late = Auth(), Auth()
    auth.told, late.told, late.away = closed(5), closed(4), False
    assert await MaintenanceWatch(known(), redis, namespace, auth).synchronise()
    assert await MaintenanceWatch(known(), redis, namespace, late).synchronise()
    auth.away, maintenance = True, known()
    await MaintenanceWatch(maintenance, redis, namespace, auth).synchronise()
    assert maintenance.told.version == 5
