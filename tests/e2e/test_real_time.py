"""What happens in an organization shows in its open browsers at once, for as long as their session lasts."""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from local.demo.broadcasting import Broadcasting
from local.demo.hearing import listening as facts_of
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


async def test_who_has_a_page_open_is_given_what_a_contact_writes_and_hears_of_it(
    platform: Trial, http: httpx.AsyncClient
) -> None:
    """From the webhook through assignment by presence to the open page; and who types there is seen, but not kept."""
    visitor = await newcomer(platform.addresses, http, f"agent.{secrets.token_hex(4)}@example.com")
    organization = await visitor.found("Talking")
    number, account = f"1{secrets.randbelow(10**14):014d}", "200000000000007"
    told_of = {"id": number, "waba_id": account, "pair_seconds": None}
    made = await http.post(f"{platform.addresses.sandbox}/whatsapp/control/numbers", json=told_of)
    made.raise_for_status()
    token = "sandbox-whatsapp-token"
    channel = {"kind": "whatsapp", "phone_number_id": number, "waba_id": account, "access_token": token}
    await visitor.call(
        "POST", "/v1/channels", expect=201, json=channel, headers={"idempotency-key": secrets.token_hex(8)}
    )
    policy = {"strategy": "least_busy", "online_only": True, "capacity": 1}
    await visitor.call("PUT", f"/v1/assignment-policies/organization/{organization['id']}", expect=200, json=policy)
    async with listening(visitor, http) as stream:
        lines = stream.aiter_lines()
        assert (await told(lines))[0] == "ready"
        body = _webhook(number, account)
        signature = hmac.new(b"sandbox-app-secret", body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={signature}"}
        answer = await http.post(f"{visitor.addresses.gateway}/v1/webhooks/whatsapp", content=body, headers=headers)
        assert answer.status_code == 200
        heard: list[str] = []
        _, _, fact = await told(lines)
        while fact["type"] != "inbox.conversation.changed.v1" or fact["data"]["assignee_id"] is None:
            heard.append(fact["type"])
            _, _, fact = await told(lines)
        assert "inbox.message.received.v1" in heard
        agents = await visitor.call("GET", "/v1/agents", expect=200)
        (me,) = agents.json()["items"]
        assert (me["presence"], me["open_conversations"]) == ("online", 1)
        assert fact["data"]["assignee_id"] == me["user_id"]
        typing = {"conversation_id": fact["subject"], "doing": "typing"}
        others = await visitor.call("POST", "/v1/presence", expect=200, json=typing)
        assert others.json() == {"others": []}


async def test_a_broadcast_is_seen_live_by_who_has_the_page_open(platform: Trial, http: httpx.AsyncClient) -> None:
    """From its start to its end: where it stands, and how many have it; no word older than the one before."""
    visitor = await newcomer(platform.addresses, http, f"many.{secrets.token_hex(4)}@example.com")
    await visitor.found("Writing to many")
    chapter = Broadcasting(visitor, secrets.token_hex(4))
    hook = {"url": f"{platform.addresses.gateway}/v1/webhooks/whatsapp", "verify_token": "sandbox-verify"}
    await chapter.control("PUT", "/whatsapp/control/webhook", hook)
    await chapter.people_agree()
    heard: list[dict[str, Any]] = []
    async with facts_of(visitor) as facts, asyncio.timeout(120):
        await chapter.many_are_written_to()
        async for fact in facts:
            if fact.get("subject") == chapter.broadcast:
                heard.append(fact)
            if heard and heard[-1]["data"].get("state") == "completed":
                break
    states = [fact["data"]["state"] for fact in heard if fact["type"] == "inbox.broadcast.changed.v1"]
    assert states[-2:] == ["running", "completed"]
    progress = [fact["data"] for fact in heard if fact["type"] == "inbox.broadcast.progressed.v1"]
    assert [progress[-1][name] for name in ("total", "waiting", "sent", "skipped")] == [3, 0, 2, 1]
    versions = [fact["version"] for fact in heard]
    assert versions == sorted(set(versions))


def _webhook(number: str, account: str) -> bytes:
    message = {
        "from": "4915110000001",
        "id": f"wamid.{secrets.token_hex(16)}",
        "timestamp": f"{time.time():.0f}",
        "type": "text",
        "text": {"body": "Is somebody there?"},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550088", "phone_number_id": number},
        "contacts": [{"profile": {"name": "Somebody"}, "wa_id": "4915110000001"}],
        "messages": [message],
    }
    entry = {"id": account, "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
