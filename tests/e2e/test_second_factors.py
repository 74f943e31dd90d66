"""Second factors through the public door of the whole running platform."""

import base64
import json
import secrets
from typing import Any

import httpx
import pyotp
import pytest

from local.trial import Trial
from local.visitor import Visitor, newcomer, seen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def issued(access_token: str) -> int:
    """The platform's time, as a token says it."""
    payload = access_token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return int(claims["iat"])


async def with_app(visitor: Visitor) -> list[str]:
    """Add an authenticator app; returns the recovery codes that come with it."""
    app = (await visitor.call("POST", "/v1/me/factors/totp", expect=201, json={"name": "Phone"})).json()
    body = {"code": pyotp.TOTP(app["secret"]).at(issued(visitor.access_token)), "end_other_sessions": False}
    answer = await visitor.call("POST", f"/v1/me/factors/totp/{app['id']}/activate", expect=200, json=body)
    codes: list[str] = answer.json()["recovery_codes"]
    return codes


async def test_a_sign_in_is_completed_and_older_tokens_die(platform: Trial, http: httpx.AsyncClient) -> None:
    visitor = await newcomer(platform.addresses, http, f"factors.{secrets.token_hex(4)}@example.com")
    before = visitor.access_token
    codes = await with_app(visitor)
    assert len(codes) == 10

    async def void() -> bool | None:
        answer = await visitor.call("GET", "/v1/me", headers={"authorization": f"Bearer {before}"})
        return True if answer.status_code == 401 else None

    await seen("the access token from before is refused", void, within=10)
    await visitor.refresh()
    await visitor.call("GET", "/v1/me", expect=200)

    body = {"email": visitor.email, "password": visitor.password}
    owed = (await visitor.call("POST", "/v1/sessions", expect=202, json=body)).json()
    assert owed["factors"] == ["totp", "recovery_code"]
    body = {"sign_in_token": owed["sign_in_token"], "factor": "recovery_code", "code": codes[0]}
    tokens = (await visitor.call("POST", "/v1/sessions/second-factor", expect=201, json=body)).json()
    assert tokens["user_id"] == visitor.user_id
    options = (await visitor.call("POST", "/v1/sessions/passkey-challenges", expect=200)).json()["options"]
    assert options["userVerification"] == "required"


async def test_an_organization_that_demands_a_second_factor_shuts_its_doors(
    platform: Trial, http: httpx.AsyncClient
) -> None:
    owner = await newcomer(platform.addresses, http, f"demands.{secrets.token_hex(4)}@example.com")
    organization_id = (await owner.create_organization("Strict"))["id"]
    await with_app(owner)
    await owner.refresh()
    path = f"/v1/organizations/{organization_id}"
    wanted = {"requires_second_factor": True}
    await owner.call("PATCH", path, expect=200, json=wanted, headers={"if-match": '"v1"'})
    await owner.refresh(organization_id)
    assert (await owner.call("GET", path, expect=200)).json()["requires_second_factor"] is True
    refused = await owner.call("POST", "/v1/sessions/current/proofs", json={"factor": "totp", "code": "000000"})
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:rostrum:problem:proof-refused")
