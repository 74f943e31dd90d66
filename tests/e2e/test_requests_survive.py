"""Exports and erasures come to their end although every process that works at them is killed again and again."""

import asyncio
import io
import json
import os
import random
import secrets
from typing import Any

import httpx
import pytest
import pyzipper

from kit.testing.databases import ADMIN_URL
from kit.testing.plugin import BROKER_URL, REDIS_URL
from local.backing import Found, Servers
from local.trial import Trial
from local.visitor import Visitor, newcomer, seen

from .traces import Traces
from .writer import Writer, connected

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

KILLED = ("compliance", "inbox", "auth", "publisher")
KILLS = 12


async def test_requests_come_to_their_end_whoever_dies(tmp_path_factory: pytest.TempPathFactory) -> None:
    servers = Servers(*(Found(url, "environment") for url in (ADMIN_URL, REDIS_URL, BROKER_URL)))
    trial = Trial(tmp_path_factory.mktemp("platform"), servers, dict(os.environ))
    await asyncio.to_thread(trial.__enter__)
    try:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
            await _both(trial, http, random.Random(7))
    finally:
        await asyncio.to_thread(trial.__exit__, None, None, None)


async def _both(trial: Trial, http: httpx.AsyncClient, plan: random.Random) -> None:
    visitor = await newcomer(trial.addresses, http, f"owner.{secrets.token_hex(4)}@example.com")
    await visitor.found("Survives")
    person = Writer(visitor, await connected(visitor))
    await person.appears()
    await person.say_everything(60)
    await person.is_heard()
    said = len(await person.messages())

    body = {"person": {"kind": "contact", "id": person.contact}}
    asked = (await visitor.call("POST", "/v1/privacy/exports", expect=201, json=body)).json()
    await _dying(trial, plan)
    await seen("the archive", lambda: _in(visitor, "exports", asked, "ready"), within=300)
    entries = await _archive(visitor, asked)
    everything = b"".join(entries.values()).decode(errors="replace")
    assert [marker for marker in person.markers if marker not in everything] == []

    erased = (await visitor.call("POST", "/v1/privacy/erasures", expect=201, json={**body, "grace_days": 0})).json()
    await _dying(trial, plan)
    done = await seen("the end", lambda: _in(visitor, "erasures", erased, "finished"), within=300)
    (inbox,) = [answer for answer in done["answers"] if answer["service"] == "inbox"]
    assert (inbox["removed"]["messages"], inbox["removed"]["contacts"]) == (said, 1)
    traces = Traces(trial, [*person.markers, person.phone])
    await traces.tables()
    assert traces.found == set()


async def _dying(trial: Trial, plan: random.Random) -> None:
    """Kill one process after the other, now and then all at once; then let the leases of the dead lapse."""
    for _ in range(KILLS):
        await asyncio.sleep(plan.uniform(0.05, 0.6))
        for name in KILLED if plan.random() < 0.25 else [plan.choice(KILLED)]:
            trial.kill(name)
    await asyncio.to_thread(trial.forward, seconds=61)


async def _in(visitor: Visitor, what: str, request: dict[str, Any], state: str) -> dict[str, Any] | None:
    """The request once it is in that state; while its service is dead there is no answer."""
    answer = await visitor.call("GET", f"/v1/privacy/{what}/{request['id']}")
    found: dict[str, Any] = answer.json()
    return found if answer.status_code == 200 and found["state"] == state else None


async def _archive(visitor: Visitor, export: dict[str, Any]) -> dict[str, bytes]:
    async def fetched() -> bytes | None:
        answer = await visitor.call("GET", f"/v1/privacy/exports/{export['id']}/archive")
        return answer.content if answer.status_code == 200 else None

    with pyzipper.AESZipFile(io.BytesIO(await seen("the archive's bytes", fetched))) as archive:
        archive.setpassword(export["password"].encode())
        entries = {name: archive.read(name) for name in archive.namelist()}
    assert json.loads(entries["manifest.json"])["export"] == export["id"]
    return entries
