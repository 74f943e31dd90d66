"""One knob moves the time of the whole running platform."""

import secrets

import httpx
import pytest

from local.trial import Trial
from local.visitor import newcomer, seen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


async def test_tokens_expire_at_the_gateway_when_the_clock_is_moved(platform: Trial, http: httpx.AsyncClient) -> None:
    visitor = await newcomer(platform.addresses, http, f"clock.{secrets.token_hex(4)}@example.com")
    await visitor.call("GET", "/v1/me", expect=200)
    platform.forward(minutes=11)

    async def refused() -> bool | None:
        return (await visitor.call("GET", "/v1/me")).status_code == 401 or None

    await seen("401 for a token that has expired", refused)

    async def renewed() -> httpx.Response | None:
        """While the clock has just jumped, what is on its way out looks old and changes are refused."""
        body = {"refresh_token": visitor.refresh_token}
        answer = await visitor.call("POST", "/v1/sessions/refresh", json=body)
        return None if answer.status_code == 503 else answer

    answer = await seen("new tokens", renewed)
    assert answer.status_code == 200, answer.text
    visitor.access_token = answer.json()["access_token"]
    await visitor.call("GET", "/v1/me", expect=200)
