"""Two audiences: what opens the doors of staff opens no other, and the other way round."""

from ipaddress import ip_network
from typing import Any
from uuid import uuid4

import pytest

from gateway.routes import GET, Route

from .conftest import AUDIENCE, STAFF

STAFFED = Route("/v1/staff", "auth", staff=True, rates=("staff",))
CUSTOMERS = Route("/v1/closed", "auth")
EVENTS = Route("/v1/events", "gateway", methods=GET)
SOCKET = Route("/v1/socket", "auth", websocket=True)
STAFF_CLAIMS: dict[str, Any] = {
    "aud": STAFF,
    "principal": "staff",
    "staff_role": "support",
    "permissions": "users.read users.suspend",
}


async def test_a_token_of_staff_opens_the_doors_of_staff_and_no_other(house: Any) -> None:
    opened = await house(routes=(STAFFED, CUSTOMERS))
    token = opened.issuer.token(**STAFF_CLAIMS)
    for _ in range(2):  # the second is remembered
        assert (await opened.ask("/v1/staff/users", token=token)).status == 200
        refused = await opened.ask("/v1/closed", token=token)
        assert (refused.status, refused.json()["type"]) == (401, "urn:rostrum:problem:invalid-token")


async def test_a_customers_token_opens_no_door_of_staff(house: Any) -> None:
    opened = await house(routes=(STAFFED, CUSTOMERS))
    token = opened.issuer.token(org=str(uuid4()), role="owner")
    for _ in range(2):
        assert (await opened.ask("/v1/closed", token=token)).status == 200
        assert (await opened.ask("/v1/staff/users", token=token)).status == 401


@pytest.mark.parametrize(
    "claims",
    [
        STAFF_CLAIMS | {"aud": AUDIENCE},
        STAFF_CLAIMS | {"principal": "user"},
        STAFF_CLAIMS | {"principal": None},
        STAFF_CLAIMS | {"staff_role": None},
        STAFF_CLAIMS | {"aud": f"{STAFF}/more"},
        STAFF_CLAIMS | {"permissions": ["users.read"]},
        {"aud": STAFF},
    ],
)
async def test_half_a_token_of_staff_opens_nothing(house: Any, claims: Any) -> None:
    opened = await house(routes=(STAFFED, CUSTOMERS))
    token = opened.issuer.token(**claims)
    assert (await opened.ask("/v1/staff/users", token=token)).status == 401
    assert (await opened.ask("/v1/closed", token=token)).status == 401


async def test_a_session_of_staff_that_has_ended_is_refused(house: Any) -> None:
    opened = await house(routes=(STAFFED,))
    session = uuid4()
    token = opened.issuer.token(**STAFF_CLAIMS, sid=str(session))
    assert (await opened.ask("/v1/staff/users", token=token)).status == 200
    await opened.redis.ask("SET", f"{opened.namespace}:revoked:{session}", 1, "PX", 60_000)
    assert (await opened.ask("/v1/staff/users", token=token)).status == 401


async def test_who_acts_for_somebody_else_gets_no_answer_that_no_service_has_on_record(house: Any) -> None:
    """Neither kept answers nor the stream of events; plain requests reach their service each time."""
    kept = Route("/v1/channels", "inbox")
    opened = await house(routes=(kept, EVENTS, SOCKET))
    claims = {"org": str(uuid4()), "role": "owner", "sub": str(uuid4())}
    own, acting = opened.issuer.token(**claims), opened.issuer.token(**claims, act={"sub": str(uuid4())})
    assert (await opened.ask("/v1/channels", token=own)).status == 200
    before = len(opened.received)
    for number in (1, 2, 3):
        assert (await opened.ask("/v1/channels", token=acting)).status == 200
        assert len(opened.received) == before + number
    for path, headers in (("/v1/events", {}), ("/v1/socket", _HANDSHAKE)):
        refused = await opened.ask(path, token=acting, **headers)
        assert (refused.status, refused.json()["type"]) == (403, "urn:rostrum:problem:not-while-impersonating")


async def test_from_elsewhere_the_doors_of_staff_are_not_there(house: Any) -> None:
    proxy, office = ip_network("127.0.0.1/32"), ip_network("192.0.2.0/24")
    opened = await house(routes=(STAFFED, CUSTOMERS), trusted=(proxy,), staff_networks=(office,))
    token = opened.issuer.token(**STAFF_CLAIMS)
    own = opened.issuer.token()
    for address, staff in (("192.0.2.7", 200), ("198.51.100.7", 404), ("192.0.2.7, 198.51.100.7", 404)):
        headers = {"x_forwarded_for": address}
        assert (await opened.ask("/v1/staff/users", token=token, **headers)).status == staff
        assert (await opened.ask("/v1/staff/users", **headers)).status == (401 if staff == 200 else 404)
        assert (await opened.ask("/v1/closed", token=own, **headers)).status == 200


_HANDSHAKE = {
    "connection": "upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}
