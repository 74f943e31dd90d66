"""Doors of staff and doors of customers, on one application: neither's token opens the other's."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import uuid4

import httpx
import pytest
from fastapi import APIRouter

from kit.audit import audited
from kit.clock import SystemClock
from kit.http.app import create_app
from kit.http.caller import CurrentCaller, TokenVerifier
from kit.http.staff import CurrentStaff, StaffCaller, StaffIdempotencyKey, staff_permitted
from kit.http.tokens import staff_audience
from kit.ids import new_id
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer

CLOCK = SystemClock()
STAFF = {
    "aud": staff_audience(AUDIENCE),
    "principal": "staff",
    "staff_role": "support",
    "permissions": "users.read users.addresses",
}
router = APIRouter()


@router.get("/customers")
async def read_as_customer(caller: CurrentCaller) -> str:
    return str(caller.user_id)


@router.get("/staff")
async def read_as_staff(staff: CurrentStaff) -> dict[str, Any]:
    return {"id": staff.staff_id, "role": staff.role, "permissions": sorted(staff.permissions)}


@router.post("/staff/suspensions")
async def suspend(_staff: Annotated[StaffCaller, staff_permitted("users.suspend")]) -> None:
    """For who may suspend."""


@router.post("/staff/reads")
async def keyed(_staff: Annotated[StaffCaller, staff_permitted("users.read")], key: StaffIdempotencyKey) -> str:
    return key.principal


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
async def http(issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    verifier = TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, CLOCK)
    app = create_app(service="t", title="T", routers=[router], verifier=verifier, clock=CLOCK)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://t.test") as client:
        yield client


def shown(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_who_is_of_the_staff_is_told_by_the_token(http: httpx.AsyncClient, issuer: Issuer) -> None:
    somebody = new_id()
    token = issuer.token(CLOCK.now(), None, **STAFF, sub=str(somebody))
    answer = await http.get("/staff", headers=shown(token))
    assert answer.json() == {
        "id": str(somebody),
        "role": "support",
        "permissions": ["users.addresses", "users.read"],
    }


async def test_what_the_role_does_not_allow_is_refused_by_its_name(http: httpx.AsyncClient, issuer: Issuer) -> None:
    refused = await http.post("/staff/suspensions", headers=shown(issuer.token(CLOCK.now(), None, **STAFF)))
    assert (refused.status_code, refused.json()["permission"]) == (403, "users.suspend")
    more = STAFF | {"permissions": "users.suspend"}
    allowed = await http.post("/staff/suspensions", headers=shown(issuer.token(CLOCK.now(), None, **more)))
    assert allowed.status_code == 200


async def test_a_key_of_idempotency_is_the_members_own(http: httpx.AsyncClient, issuer: Issuer) -> None:
    somebody = new_id()
    token = issuer.token(CLOCK.now(), None, **STAFF, sub=str(somebody))
    answer = await http.post("/staff/reads", headers=shown(token) | {"idempotency-key": "k-1"})
    assert answer.json() == f"staff:{somebody}"


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": STAFF["aud"]},
        {"principal": "staff", "staff_role": "admin"},
        STAFF | {"aud": AUDIENCE},
        STAFF | {"principal": "user"},
        STAFF | {"principal": "key"},
        STAFF | {"staff_role": None},
        STAFF | {"staff_role": "Admin!"},
        STAFF | {"permissions": "users.read, users.suspend"},
        STAFF | {"permissions": ["users.read"]},
    ],
)
async def test_no_other_token_opens_a_door_of_staff(http: httpx.AsyncClient, issuer: Issuer, claims: Any) -> None:
    answer = await http.get("/staff", headers=shown(issuer.token(CLOCK.now(), new_id(), **claims)))
    assert answer.status_code == 401, answer.text


@pytest.mark.parametrize("audience", [STAFF["aud"], AUDIENCE, [AUDIENCE, STAFF["aud"]]])
async def test_no_token_of_staff_opens_a_door_of_customers(
    http: httpx.AsyncClient, issuer: Issuer, audience: Any
) -> None:
    token = issuer.token(CLOCK.now(), None, **STAFF | {"aud": audience})
    assert (await http.get("/customers", headers=shown(token))).status_code == 401


def test_a_line_of_staff_names_the_member() -> None:
    staff = StaffCaller(uuid4(), uuid4(), "admin", frozenset(), 0)
    line = audited("auth.session.ended", staff, "session", uuid4())
    assert (line.actor_kind, line.actor_id) == ("staff", staff.staff_id)
