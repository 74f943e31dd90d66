"""What happens in an organization shows in its open browsers at once, for as long as their session lasts."""

import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from local.trial import Trial
from local.visitor import Visitor, newcomer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


async def told(lines: AsyncIterator[str]) -> tuple[str, str, Any]:
    """The next server-sent event: its kind, its id, its data."""
    fields: dict[str, str] = {}
    async for line in lines:
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value
        elif "data" in fields:
            return fields.get("event", "fact"), fields.get("id", ""), json.loads(fields["data"])
    raise EOFError


def listening(visitor: Visitor, http: httpx.AsyncClient, after: str = "") -> Any:
    headers = {"authorization": f"Bearer {visitor.access_token}"} | ({"last-event-id": after} if after else {})
    return http.stream("GET", f"{visitor.addresses.gateway}/v1/events", headers=headers)


async def test_a_change_shows_in_open_browsers_and_after_a_return(platform: Trial, http: httpx.AsyncClient) -> None:
    visitor = await newcomer(platform.addresses, http, f"live.{secrets.token_hex(4)}@example.com")
    organization = await visitor.found("Live")

    async def invite() -> None:
        body = {"email": f"guest.{secrets.token_hex(4)}@example.com", "role": "editor"}
        key = {"idempotency-key": secrets.token_hex(8)}
        path = f"/v1/organizations/{organization['id']}/invitations"
        await visitor.call("POST", path, expect=201, headers=key, json=body)

    async with listening(visitor, http) as stream:
        lines = stream.aiter_lines()
        assert (await told(lines))[0] == "ready"
        await invite()
        kind, place, fact = await told(lines)
        while fact["type"] != "auth.invitation.created.v1":  # the last of the founding may be told late
            kind, place, fact = await told(lines)
        assert kind == "fact"
        assert fact["data"]["role"] == "editor"
    await invite()
    async with listening(visitor, http, place) as stream:
        lines = stream.aiter_lines()
        assert [(await told(lines))[0] for _ in range(2)] == ["ready", "fact"]
        await visitor.call("DELETE", "/v1/sessions/current", expect=204)
        kind, _, reason = await told(lines)
        while kind == "fact":
            kind, _, reason = await told(lines)
        assert (kind, reason) == ("expired", {"reason": "revoked"})
