"""The seven platforms as the rush meets them: who is there, what we may do, what goes wrong, what is live."""

import asyncio
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx

from kit.testing.outside import running_sandbox
from postrules.limits import Platform as Name
from publisher.accounts.model import AccountKind
from publisher.connections.model import challenge_of, verifier_of
from publisher.platforms.base import Identity, Platform, Tokens

LOST: Final = 0.05
"""Which share of answers is lost after the effect."""

MARK: Final = re.compile(r"mark\d{7}")
PAGES: Final = {Name.LINKEDIN: 50, Name.FACEBOOK: 200, Name.INSTAGRAM: 200}
"""How many pages one person has; on the other platforms everybody is one account."""

_API: Final = {
    Name.LINKEDIN: "/linkedin/api/rest/",
    Name.FACEBOOK: "/facebook/",
    Name.INSTAGRAM: "/instagram/graph/",
    Name.THREADS: "/threads/graph/",
    Name.X: "/x/api/2/",
    Name.YOUTUBE: "/youtube/api/",
    Name.TIKTOK: "/tiktok/",
}
_GRANTED: Final[Mapping[Name, Mapping[str, Any]]] = {
    Name.YOUTUBE: {"uploads_per_day": 10_000, "units_per_day": 1_000_000, "audited": True}
}
"""A project of this size has been granted more by Google; all other quotas are the platforms' own."""

_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class World:
    """The sandboxes, each standing for some of the platforms."""

    urls: Mapping[Name, str]
    http: httpx.AsyncClient

    async def ask(self, name: Name, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """One call of those who watch."""
        answer = await self.http.request(method, self.urls[name] + path, json=body, params=query)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def misbehave(self) -> None:
        """From now on answers to what changes something are lost."""
        for number, name in enumerate(self.urls):
            rules = [
                {
                    "kind": "drop_after_effect",
                    "probability": LOST,
                    "seed": 100 * number + place,
                    "match": {"path": _API[name], "method": method},
                }
                for place, method in enumerate(("POST", "PUT"))
            ]
            await self.ask(name, "PUT", f"/control/{name}/faults", rules)

    async def behave(self) -> int:
        """All is well again; how many answers were lost."""
        lost = 0
        for name in self.urls:
            told = await self.ask(name, "GET", f"/control/{name}/faults")
            lost += sum(each["struck"] for each in told["items"])
            await self.ask(name, "DELETE", f"/control/{name}/faults")
        return lost

    async def live(self) -> Counter[str]:
        """How often each mark is live."""
        found = Counter[str]()
        for name in self.urls:
            query = {"limit": 20_000, **({"live": True} if name is Name.TIKTOK else {})}
            what = "videos" if name is Name.YOUTUBE else "posts"
            for post in await self.ask(name, "GET", f"/{name}/control/{what}", **query):
                found.update(set(MARK.findall(str(post))))
        return found

    async def settle_in(self, name: Name, accounts: int) -> list[str]:
        """Let so many accounts be there; the people who may let us use them."""
        await self.ask(name, "PUT", f"/{name}/control/app", dict(_GRANTED.get(name, {})))
        people = _people(name, accounts)
        for _, pages in people:
            await self._each([(name, f"/{name}/control/pages", page) for page in pages])
        await self._each([(name, f"/{name}/control/people", person) for person, _ in people])
        return [person["id"] for person, _ in people]

    async def consents(self, name: Name, platform: Platform, people: Sequence[str]) -> list[tuple[Tokens, Identity]]:
        """What everybody lets us use, with the tokens that open it."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(person: str) -> list[tuple[Tokens, Identity]]:
            async with gate:
                return await self._consent(name, platform, person)

        return [each for found in await asyncio.gather(*map(one, people)) for each in found]

    async def _consent(self, name: Name, platform: Platform, person: str) -> list[tuple[Tokens, Identity]]:
        secret = secrets.token_urlsafe(32)
        url = httpx.URL(platform.consent_url(secrets.token_urlsafe(16), challenge_of(secret)))
        answer = await self.http.get(url.copy_merge_params({"approve": person}), follow_redirects=False)
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        tokens = await platform.exchange(code, verifier_of(secret))
        kind = AccountKind.ORGANIZATION if name in PAGES else AccountKind.MEMBER
        return [(each.tokens or tokens, each) for each in await platform.identities(kind, tokens)]

    async def _each(self, asked: Sequence[tuple[Name, str, Any]]) -> None:
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(name: Name, path: str, body: Any) -> None:
            async with gate:
                await self.ask(name, "POST", path, body)

        await asyncio.gather(*(one(*each) for each in asked))


def _people(name: Name, accounts: int) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """People with their pages."""
    if name not in PAGES:
        return [(_person(name, number), []) for number in range(accounts)]
    found = []
    for first in range(0, accounts, PAGES[name]):
        numbers = range(first, min(accounts, first + PAGES[name]))
        pages = [_page(name, number) for number in numbers]
        ids = [page["id"] for page in pages]
        linked_in = name is Name.LINKEDIN
        person = {"id": f"{700_000 + first}", "pages": dict.fromkeys(ids, "ADMINISTRATOR") if linked_in else ids}
        found.append((person, pages))
    return found


def _page(name: Name, number: int) -> dict[str, Any]:
    page = {"id": f"{66_000_000 + number}", "name": f"Bakery {number}"}
    return page | {"instagram": {"id": f"{1784_0000_0000 + number}"}} if name is Name.INSTAGRAM else page


def _person(name: Name, number: int) -> dict[str, Any]:
    if name is Name.X:
        return {"id": f"{3_000_000 + number}", "username": f"baker{number}"}
    if name is Name.YOUTUBE:
        return {"id": f"baker{number}", "channel": f"UC{number:022d}"}
    if name is Name.TIKTOK:
        return {"id": f"baker{number}-open-id", "username": f"baker{number}"}
    return {"id": f"{800_000 + number}"}


@contextmanager
def sandboxes(many: bool) -> Iterator[Mapping[Name, str]]:
    """The addresses by platform; many accounts are shared by two sandboxes, which have a processor each."""
    with ExitStack() as opened:
        first = opened.enter_context(running_sandbox()).url
        second = opened.enter_context(running_sandbox()).url if many else first
        yield {name: first if place % 2 else second for place, name in enumerate(_API)}
