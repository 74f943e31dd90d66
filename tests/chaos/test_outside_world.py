"""Posts and replies leave while the other side misbehaves and workers are killed: at most once each, none forgotten.

What may degrade: a reply whose answer and whose status were both lost ends `unconfirmed`, for a person to decide on,
because WhatsApp has no look-up of sent messages. A post never does here: LinkedIn lets a page's posts be read.
"""

import asyncio
import os
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from contracts.event import new_id
from kit.testing.databases import ADMIN_URL
from kit.testing.plugin import BROKER_URL, REDIS_URL
from local.backing import Found, Servers
from local.trial import Trial
from local.visitor import Visitor, newcomer, seen

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

POSTS, REPLIES = 24, 40
NUMBER, PHONE = "100000000000077", "4915112345678"
PAGES = ("7000001", "7000002", "7000003")
DOOR = {"method": "POST", "path": "/linkedin/api/rest/posts"}
SENDING = {"method": "POST", "path": f"/whatsapp/graph/v23.0/{NUMBER}/messages"}
HIDDEN = 7  # seconds: longer than the first look waits


def strikes(kind: str, door: dict[str, str], probability: float, seed: int, **more: object) -> dict[str, object]:
    return {"kind": kind, "match": door, "probability": probability, "seed": seed, **more}


def storm(door: dict[str, str]) -> list[dict[str, object]]:
    """Everything that can go wrong with one call."""
    return [
        strikes("drop_after_effect", door, 0.15, 1),
        strikes("error_after_effect", door, 0.15, 2, status=502, body={"message": "Bad gateway"}),
        strikes("refuse_before_effect", door, 0.1, 3, status=503, body={"message": "Unavailable"}),
        strikes("refuse_before_effect", door, 0.1, 4, status=429, headers={"Retry-After": "1"}, body={"status": 429}),
        strikes("delay", door, 0.2, 5, seconds=1.5),
    ]


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    servers = Servers(*(Found(url, "environment") for url in (ADMIN_URL, REDIS_URL, BROKER_URL)))
    with Trial(tmp_path_factory.mktemp("outside"), servers, dict(os.environ)) as trial:
        yield trial


@dataclass
class World:
    """One organization with three pages and a number, and what the other side has really seen."""

    trial: Trial
    http: httpx.AsyncClient
    visitor: Visitor
    organization: str
    accounts: list[str] = field(default_factory=list)
    posts: dict[str, str] = field(default_factory=dict)
    replies: dict[str, str] = field(default_factory=dict)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.http.request(method, self.trial.addresses.sandbox + path, json=body)
        assert not answer.is_error, f"{path}: {answer.text}"
        return answer.json() if answer.content else None

    async def patiently(self, method: str, path: str, expect: int, **more: Any) -> httpx.Response:
        """Ask again while a process is down; what was accepted under this key or id is found again."""

        async def ask() -> httpx.Response | None:
            answer = await self.visitor.call(method, path, **more)
            return None if answer.status_code in {429, 502, 503, 504} else answer

        answer = await seen(f"an answer to {method} {path}", ask, within=120)
        assert answer.status_code == expect, answer.text
        return answer

    async def sign_in(self) -> None:
        """Get a token; while the clock has just jumped, what is on its way out looks old and changes are refused."""
        visitor = self.visitor
        who = {"email": visitor.email, "password": visitor.password, "organization_id": self.organization}
        answer = await self.patiently("POST", "/v1/sessions", 201, json=who)
        visitor.access_token = answer.json()["access_token"]

    async def connect(self) -> None:
        pages = dict.fromkeys(PAGES, "ADMINISTRATOR")
        for page in PAGES:
            await self.control("POST", "/linkedin/control/pages", {"id": page, "name": f"Page {page}"})
        await self.control("POST", "/linkedin/control/people", {"id": "storm", "name": "Storm", "pages": pages})
        body = {"platform": "linkedin", "what": "organization"}
        asked = await self.visitor.call("POST", "/v1/connected-accounts", expect=201, json=body)
        back = await self.http.get(f"{asked.json()['authorization_url']}&approve=storm")
        came = await self.http.get(back.headers["location"])
        self.accounts = parse_qs(urlsplit(came.headers["location"]).query)["connected"]
        assert len(self.accounts) == len(PAGES)
        number = {"id": NUMBER, "waba_id": "200000000000001", "pair_seconds": None}
        await self.control("POST", "/whatsapp/control/numbers", number)
        url = f"{self.trial.addresses.gateway}/v1/webhooks/whatsapp"
        hook = {"url": url, "verify_token": "sandbox-verify", "retry_seconds": [0.5] * 50}
        await self.control("PUT", "/whatsapp/control/webhook", hook)
        channel = {
            "kind": "whatsapp",
            "phone_number_id": NUMBER,
            "waba_id": number["waba_id"],
            "access_token": "sandbox-whatsapp-token",
        }
        await self.patiently("POST", "/v1/channels", 201, json=channel, headers={"idempotency-key": "channel"})

    async def conversation(self) -> str:
        person = {
            "id": "sam",
            "wa_id": PHONE,
            "name": "Sam",
            "reads": True,
            "delivered_after": 0.2,
            "read_after": 0.1,
        }
        await self.control("POST", "/whatsapp/control/people", person)
        said = {"type": "text", "text": "Hello?", "phone_number_id": NUMBER}
        await self.control("POST", "/whatsapp/control/people/sam/say", said)

        async def look() -> str | None:
            found = (await self.visitor.call("GET", "/v1/conversations", expect=200)).json()["items"]
            return str(found[0]["id"]) if found else None

        return await seen("a conversation", look)

    async def write(self, conversation: str) -> None:
        """Schedule all posts and send all replies; each request again until it is answered."""
        for number in range(POSTS):
            text = f"Post {number} of the storm"
            target = [self.accounts[number % len(self.accounts)]]
            body = {"text": text, "targets": target, "publish_at": "now"}
            key = {"idempotency-key": secrets.token_hex(8)}
            made = await self.patiently("POST", "/v1/posts", 201, json=body, headers=key)
            self.posts[made.json()["id"]] = text
        for number in range(REPLIES):
            said = {"id": str(new_id()), "text": f"Reply {number} of the storm"}
            path = f"/v1/conversations/{conversation}/messages"
            await self.patiently("POST", path, 202, json=said, headers={"idempotency-key": said["id"]})
            self.replies[said["id"]] = said["text"]

    async def live(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for page in PAGES:
            path = f"/linkedin/control/posts?author=urn:li:organization:{page}&limit=100"
            found.update(each["text"] for each in await self.control("GET", path))
        return found

    async def arrived(self) -> Counter[str]:
        path = f"/whatsapp/control/messages?phone_number_id={NUMBER}&limit=100"
        return Counter(each["text"] for each in (await self.control("GET", path))["items"])

    async def standing(self) -> tuple[dict[str, str], dict[str, str]]:
        """The status of every post and of every reply as the API tells it."""
        posts = await asyncio.gather(*(self.patiently("GET", f"/v1/posts/{each}", 200) for each in self.posts))
        replies = await asyncio.gather(*(self.patiently("GET", f"/v1/messages/{each}", 200) for each in self.replies))
        return (
            {post.json()["text"]: post.json()["deliveries"][0]["status"] for post in posts},
            {reply.json()["text"]: reply.json()["status"] for reply in replies},
        )


@pytest.fixture
async def world(trial: Trial) -> AsyncIterator[World]:
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        visitor = await newcomer(trial.addresses, http, f"storm-{secrets.token_hex(4)}@example.com")
        organization = await visitor.found("Storm")
        world = World(trial, http, visitor, organization["id"])
        await world.connect()
        yield world


async def test_each_post_and_each_reply_leaves_at_most_once_and_none_is_forgotten(world: World) -> None:
    conversation = await world.conversation()
    hidden = strikes("visible_after", DOOR, 0.4, 6, seconds=HIDDEN)
    await world.control("PUT", "/control/linkedin/faults", [*storm(DOOR), hidden])
    echoes = [
        {"kind": "webhook_duplicate", "copies": 1, "probability": 0.4, "seed": 7, "match": {"topic": "status."}},
        {"kind": "webhook_reorder", "window": 5, "seconds": 0.5, "match": {"topic": "status."}},
    ]
    await world.control("PUT", "/control/whatsapp/faults", [*storm(SENDING), *echoes])

    writing = asyncio.create_task(world.write(conversation))
    for victim in ("publisher", "inbox", "publisher", "inbox", "publisher", "inbox"):
        await asyncio.sleep(2)
        world.trial.kill(victim)
    await writing
    await asyncio.sleep(HIDDEN)
    for member in ("linkedin", "whatsapp"):
        await world.control("PUT", f"/control/{member}/faults", [])
    await asyncio.sleep(HIDDEN)  # from now on whatever was taken is shown to who looks for it
    posts, replies = await settled(world)

    live, arrived = await world.live(), await world.arrived()
    assert {text: count for text, count in (live + arrived).items() if count > 1} == {}
    assert set(posts.values()) == {"published"}
    assert set(live) == set(posts)
    assert {text for text, status in replies.items() if status in {"delivered", "read"}} == set(arrived) & set(
        replies
    )
    assert set(replies.values()) <= {"read", "delivered", "unconfirmed"}
    print(f"posts {Counter(posts.values())}, replies {Counter(replies.values())}")  # noqa: T201 - the shares are told


async def settled(world: World) -> tuple[dict[str, str], dict[str, str]]:
    """Let leases lapse, then let hours pass until nothing is under way; looks need the platform's time only."""
    under_way = {"scheduled", "publishing", "checking", "queued"}

    async def look() -> tuple[dict[str, str], dict[str, str]] | None:
        world.trial.forward(minutes=12)
        await asyncio.sleep(1.5)
        await world.sign_in()
        posts, replies = await world.standing()
        return None if under_way & {*posts.values(), *replies.values()} else (posts, replies)

    return await seen("an end of every post and reply", look, within=300)
