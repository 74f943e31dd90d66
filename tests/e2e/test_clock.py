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


async def test_what_third_parties_sign_is_believed_after_the_clock_was_moved(
    platform: Trial, http: httpx.AsyncClient
) -> None:
    """They are refused who date by another time than the platform's: as too old, or from the future."""
    platform.forward(minutes=11)
    sandbox, gateway = platform.addresses.sandbox, platform.addresses.gateway
    hook = {"url": f"{gateway}/v1/webhooks/stripe", "secrets": ["whsec_sandbox"]}
    (await http.put(f"{sandbox}/stripe/control/webhook", json=hook)).raise_for_status()

    async def attempts() -> dict[str, int]:
        told = (await http.get(f"{sandbox}/control/stripe/webhooks")).json()["items"]
        return {each["webhook_id"]: each["status"] for each in told if each["topic"] == "customer.created"}

    earlier = await attempts()
    key = {"authorization": "Bearer sk_test_sandbox"}
    (await http.post(f"{sandbox}/stripe/v1/customers", headers=key, data={"name": "Clock"})).raise_for_status()

    async def answered() -> list[int] | None:
        return [status for identity, status in (await attempts()).items() if identity not in earlier] or None

    assert await seen("an answer to the webhook", answered) == [200]
