"""Who is counted with whom, and how much a plan allows: through the door, with a real Redis and a real broker."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from contracts import Event, encode, new_id
from contracts.billing import EntitlementsChanged
from gateway.feed import Feed
from gateway.plans import PlanOf, Plans, PlanWatch
from gateway.routes import Route
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.process import cancelled

from .conftest import UNHURRIED, WITHIN, a_policy, until

TIERED = {"free": 2, "creator": 3, "pro": 4, "agency": 5}
POLICY = a_policy(
    shared={"per": "organization", "burst": TIERED, "period": 3600.0},
    single={"per": "credential", "burst": 2, "period": 3600.0},
    costly={"per": "user", "burst": 50, "period": 3600.0, "cost": 250},
    address={"per": "address", "burst": 600, "period": 36_000.0},
)


SHARED = Route("/v1/shared", "auth", rates=("shared",))
SINGLE = Route("/v1/single", "auth", rates=("single",))
COSTLY = Route("/v1/costly", "auth", rates=("costly",))
CHEAP = Route("/v1/cheap", "auth")
OPEN = Route("/v1/open", "auth", public=True)
ROUTES = (SHARED, SINGLE, COSTLY, CHEAP, OPEN)


def told(organization: UUID, plan: str, version: int = 1) -> PlanOf:
    return PlanOf(organization_id=organization, plan=plan, version=version)


def member(door: Any, organization: UUID | None, **claims: Any) -> str:
    token: str = door.issuer.token(org=str(organization) if organization else None, role="editor", **claims)
    return token


async def passed(door: Any, token: str, path: str = "/v1/shared", tries: int = 8) -> int:
    return [(await door.ask(path, token=token)).status for _ in range(tries)].count(200)


async def test_an_organization_has_one_limit_for_all_its_people_and_none_with_another(house: Any) -> None:
    door = await house(policy=POLICY, routes=ROUTES)
    ours, theirs = uuid4(), uuid4()
    assert [(await door.ask("/v1/shared", token=member(door, ours))).status for _ in range(3)] == [200, 200, 429]
    assert await passed(door, member(door, theirs)) == 2


@pytest.mark.parametrize(
    ("plan", "burst"),
    [("free", 2), ("creator", 3), ("pro", 4), ("agency", 5), ("never_heard_of", 2)],
)
async def test_a_higher_plan_has_more_and_an_unknown_one_the_least(house: Any, plan: Any, burst: Any) -> None:
    plans, organization = Plans(), uuid4()
    plans.note(told(organization, plan))
    door = await house(policy=POLICY, routes=ROUTES, plans=plans)
    token = member(door, organization)
    assert f'"shared";q={burst};w=3600' in (await door.ask("/v1/shared", token=token))["ratelimit-policy"]
    assert await passed(door, token) == burst - 1


async def test_who_belongs_to_no_organization_is_counted_by_what_is_known(house: Any) -> None:
    door = await house(policy=POLICY, routes=ROUTES)
    answer = await door.ask("/v1/shared", token=door.issuer.token())
    assert answer.status == 200
    assert names(answer["ratelimit-policy"]) == ["address", "user", "credential"]


async def test_each_credential_of_a_user_has_a_limit_of_its_own(house: Any) -> None:
    door = await house(policy=POLICY, routes=ROUTES)
    user, organization = str(uuid4()), uuid4()
    one, other = (member(door, organization, sub=user, sid=str(uuid4())) for _ in range(2))
    assert await passed(door, one, "/v1/single") == 2
    assert await passed(door, other, "/v1/single") == 2


async def test_a_new_token_of_the_same_session_is_no_new_credential(house: Any) -> None:
    door = await house(policy=POLICY, routes=ROUTES)
    user, session, organization = str(uuid4()), str(uuid4()), uuid4()
    tokens = [member(door, organization, sub=user, sid=session) for _ in range(4)]
    assert [(await door.ask("/v1/single", token=token)).status for token in tokens] == [200, 200, 429, 429]


async def test_an_expensive_route_takes_more_units_of_what_all_requests_share(house: Any) -> None:
    """Of the six hundred that an address has; what is refused takes nothing."""
    door = await house(policy=POLICY, routes=ROUTES)
    token = member(door, uuid4())
    answers = [await door.ask("/v1/costly", token=token) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[0]["ratelimit"].endswith(";r=49;t=72"), "of its own class it takes one"
    assert 60 * 100 < int(answers[2]["retry-after"]) <= 60 * 150
    ((name, state),) = parsed((await door.ask("/v1/open"))["ratelimit"])
    assert name == "address"
    assert 90 < state["r"] < 110


async def test_that_a_costly_request_is_refused_stops_no_cheap_one(house: Any) -> None:
    policy = a_policy(costly={"per": "user", "burst": 50, "period": 3600.0, "cost": 590})
    door = await house(policy=policy, routes=ROUTES)
    token = member(door, uuid4())
    statuses = [(await door.ask(path, token=token)).status for path in ("/v1/costly", "/v1/costly", "/v1/cheap")]
    assert statuses == [200, 429, 200]
    assert (await door.ask("/v1/open")).status == 200, "nor does what is remembered of the refusal"


async def test_a_cost_beyond_a_scaled_down_burst_still_passes_once(house: Any) -> None:
    door = await house(policy=POLICY, routes=ROUTES, scale=0.1)
    assert await passed(door, member(door, uuid4()), "/v1/costly", tries=2) == 1


async def test_without_redis_the_tiers_and_the_costs_go_on(house: Any, tools: Any) -> None:
    plans, organization = Plans(), uuid4()
    plans.note(told(organization, "pro"))
    away = f"redis://127.0.0.1:{tools.closed_port()}/0"
    door = await house(policy=POLICY, routes=ROUTES, plans=plans, redis_url=away)
    assert await passed(door, member(door, organization)) == 4
    assert await passed(door, member(door, uuid4())) == 2
    assert await passed(door, member(door, uuid4()), "/v1/costly") == 2, "the address has had six cheap requests"


# Forwarded addresses


@pytest.mark.parametrize("trusted", [(), (ip_network("10.0.0.0/8"),)])
async def test_a_stranger_cannot_get_a_fresh_limit_by_naming_other_addresses(house: Any, trusted: Any) -> None:
    door = await house(trusted=trusted, policy=UNHURRIED, scale=5 / 600)
    lies = [{"x_forwarded_for": f"198.51.100.{n}", "forwarded": f"for=198.51.100.{n}"} for n in range(8)]
    lies = [lie | {"x_real_ip": "9.9.9.9", "true_client_ip": "9.9.9.9"} for lie in lies]
    assert [(await door.ask("/v1/open", **lie)).status for lie in lies] == [200] * 5 + [429] * 3


async def test_behind_our_proxy_what_a_client_puts_in_front_changes_nothing(house: Any) -> None:
    door = await house(trusted=(ip_network("127.0.0.1/32"),), policy=UNHURRIED, scale=2 / 600)
    lied = [(await door.ask("/v1/open", x_forwarded_for=f"8.8.8.{n}, 203.0.113.9")).status for n in range(4)]
    other = (await door.ask("/v1/open", x_forwarded_for="203.0.113.9, 203.0.113.10")).status
    assert (lied, other) == ([200, 200, 429, 429], 200)


async def test_one_ipv6_customer_has_one_limit_however_many_addresses_it_has(house: Any) -> None:
    door = await house(trusted=(ip_network("127.0.0.1/32"),), policy=UNHURRIED, scale=2 / 600)
    near = [(await door.ask("/v1/open", x_forwarded_for=f"2001:db8:1:2::{n:x}")).status for n in range(4)]
    assert near == [200, 200, 429, 429]
    assert (await door.ask("/v1/open", x_forwarded_for="2001:db8:1:3::1")).status == 200


# The fields, by the grammar of structured fields (RFC 9651): a list of strings with integers as parameters

_KEY = r"[a-z*][a-z0-9_\-.*]*"
_ITEM = re.compile(rf'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"((?:;[ ]*{_KEY}=-?[0-9]{{1,15}})*)')


def parsed(field: str) -> list[tuple[str, dict[str, int]]]:
    items, at = [], 0
    while True:
        match = _ITEM.match(field, at)
        assert match is not None, f"{field!r} is no list of strings, from {at}"
        pairs = (part.strip().split("=") for part in match[2].split(";") if part)
        items.append((match[1], {key: int(value) for key, value in pairs}))
        at = match.end()
        if at == len(field):
            return items
        comma = re.compile(r"[ \t]*,[ \t]*").match(field, at)
        assert comma is not None
        at = comma.end()


def names(field: str) -> list[str]:
    return [name for name, _ in parsed(field)]


async def test_the_fields_are_structured_and_agree_with_each_other(house: Any) -> None:
    door = await house(policy=POLICY, routes=ROUTES)
    token = member(door, uuid4())
    answers = [await door.ask("/v1/shared", token=token) for _ in range(3)]
    for answer in answers:
        policies, states = dict(parsed(answer["ratelimit-policy"])), parsed(answer["ratelimit"])
        assert list(policies) == ["address", "user", "organization", "credential", "shared"]
        assert all(set(told) == {"q", "w"} and told["q"] > 0 and told["w"] > 0 for told in policies.values())
        ((name, state),) = states
        assert set(state) == {"r", "t"}
        assert 0 <= state["r"] <= policies[name]["q"]
        assert state["t"] > 0
    last = answers[-1]
    assert last.status == 429
    assert parsed(last["ratelimit"]) == [("shared", {"r": 0, "t": int(last["retry-after"])})]


# Where plans come from


class Billing:
    """Answers the snapshot as billing does, in pages; or does not."""

    def __init__(self, *plans: PlanOf, page: int = 2) -> None:
        self.plans, self.page, self.away, self.asked = list(plans), page, False, 0

    async def __call__(self, target: str) -> bytes:
        self.asked += 1
        if self.away:
            raise OSError("away")
        after = UUID(target.removeprefix("/internal/plans?after="))
        later = sorted((each for each in self.plans if each.organization_id > after), key=lambda p: p.organization_id)
        page = later[: self.page]
        following = page[-1].organization_id if len(page) == self.page else None
        return orjson.dumps({"plans": [each.model_dump() for each in page], "next": following})


async def test_a_gateway_that_starts_asks_for_every_plan_page_by_page() -> None:
    everyone = [told(uuid4(), "pro", 3) for _ in range(5)]
    plans, billing = Plans(), Billing(*everyone)
    watch = PlanWatch(plans, billing)
    assert await watch.synchronise()
    assert (len(plans), billing.asked, watch.complete) == (5, 3, True)
    assert all(plans.of(str(each.organization_id)) == "pro" for each in everyone)


async def test_an_older_word_after_a_newer_changes_nothing() -> None:
    organization = uuid4()
    plans = Plans()
    plans.note(told(organization, "pro", 4))
    assert await PlanWatch(plans, Billing(told(organization, "free", 3))).synchronise()
    assert plans.of(str(organization)) == "pro"
    plans.note(told(organization, "creator", 5))
    assert plans.of(str(organization)) == "creator"


async def test_while_billing_is_away_nobody_is_locked_out_and_it_is_asked_again(house: Any) -> None:
    organization, plans, billing = uuid4(), Plans(), Billing()
    billing.plans, billing.away = [told(organization, "agency")], True
    watch = PlanWatch(plans, billing, again=(0.01, 0.02))
    door = await house(policy=POLICY, routes=ROUTES, plans=plans)
    running = asyncio.create_task(watch.run())
    try:
        assert (await door.ask("/v1/shared", token=member(door, organization))).status == 200
        billing.away = False
        await until(lambda: watch.complete)
        assert await passed(door, member(door, organization)) == 2, "half was taken before, so half is left"
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_page_that_leads_nowhere_ends_the_asking() -> None:
    stuck = orjson.dumps({"plans": [], "next": UUID(int=0)})

    async def ask(_target: str) -> bytes:
        return stuck

    assert await asyncio.wait_for(PlanWatch(Plans(), ask).synchronise(), WITHIN)


async def test_a_change_of_plan_holds_in_every_gateway_when_its_event_arrives(
    house: Any, broker_url: str, namespace: str
) -> None:
    """Also after Redis was flushed, and for a gateway that was started since: it asks billing."""
    organization, other = uuid4(), uuid4()
    billing = Billing(told(organization, "free", 1), told(other, "free", 1))
    async with exchange(broker_url, namespace) as (broker, topology, publish):
        everyone = [Plans(), Plans()]
        watches = [PlanWatch(plans, billing) for plans in everyone]
        first, second = [await house(policy=POLICY, routes=ROUTES, plans=plans) for plans in everyone]
        feeds = []
        for watch in watches:
            hears: dict[type[Event], Any] = {EntitlementsChanged: watch.hear}
            feeds.append(Feed(broker, topology, hears, returned=watch.synchronise))
        tasks = [asyncio.create_task(feed.run()) for feed in feeds]
        try:
            await until(lambda: all(each.complete for each in watches) and all(each.listening for each in feeds))
            assert await passed(first, member(first, organization), tries=1) == 1
            await publish(EntitlementsChanged, b"rubbish")
            await publish(EntitlementsChanged, changed(organization, "agency", 2))
            await publish(EntitlementsChanged, changed(organization, "free", 1))
            await until(lambda: all(plans.of(str(organization)) == "agency" for plans in everyone))
            assert await passed(second, member(second, organization)) == 2, "half was taken before, so half is left"
            assert await passed(second, member(second, other)) == 2
            keys = await first.redis.ask("KEYS", f"{namespace}:*")
            await first.redis.ask("DEL", *keys)
            assert await passed(second, member(second, organization)) == 5
        finally:
            await cancelled(*tasks)


def changed(organization: UUID, plan: str, version: int) -> bytes:
    return encode(
        EntitlementsChanged(
            id=new_id(), time=datetime.now(UTC), organization_id=organization, version=version, plan=plan, limits={}
        )
    )


@asynccontextmanager
async def exchange(broker_url: str, namespace: str) -> AsyncIterator[Any]:
    topology, broker = Topology(namespace), Broker(broker_url, name="test")
    connection = await broker.connect("test")
    channel = connection.channel()
    await channel.initialize()
    events = await channel.declare_exchange(topology.events, "topic", durable=True)
    raw = await channel.get_underlay_channel()

    async def publish(kind: Any, body: bytes) -> None:
        await raw.basic_publish(body, exchange=events.name, routing_key=kind.type)

    try:
        yield broker, topology, publish
    finally:
        await channel.exchange_delete(topology.events)
        await connection.close()
        await broker.close()
