"""A platform as those see it who watch, and how people come from it to us."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from kit.testing.programs import eventually

from .story import Story


@dataclass
class PlatformSide:
    """One platform of the sandbox, in one story."""

    story: Story
    name: str

    @property
    def http(self) -> httpx.AsyncClient:
        return self.story.linkedin.http

    async def fails(self, *rules: dict[str, Any]) -> None:
        answer = await self.http.put(f"/control/{self.name}/faults", json=list(rules))
        assert answer.status_code == 200, answer.text

    async def set_app(self, **app: Any) -> None:
        (await self.http.put(f"/{self.name}/control/app", json=app)).raise_for_status()

    async def seen(self, what: str, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.http.get(f"/{self.name}/control/{what}", params=query)).json()
        return found

    async def received(self, part: str, method: str = "POST") -> list[dict[str, Any]]:
        """The calls that came to a path with this in it."""
        calls = (await self.http.get(f"/control/{self.name}/received", params={"limit": 200})).json()["items"]
        return [each for each in calls if part in each["path"] and each["method"] == method]

    async def end_tokens(self, **how: Any) -> None:
        body = {"state": "revoked", **how}
        (await self.http.post(f"/{self.name}/control/tokens/end", json=body)).raise_for_status()

    async def answered(self, client: httpx.AsyncClient, what: str, answer: Mapping[str, str]) -> str:
        """Ask to connect and answer the consent page; the address with which the browser comes back."""
        asked = await client.post("/v1/connected-accounts", json={"platform": self.name, "what": what})
        assert asked.status_code == 201, asked.text
        url = httpx.URL(asked.json()["authorization_url"]).copy_merge_params(answer)
        page = await self.http.get(url, follow_redirects=False)
        assert page.status_code == 302, page.text
        back = urlsplit(page.headers["location"])
        assert back.path == f"/v1/oauth/{self.name}/callback"
        return f"{back.path}?{back.query}"

    async def parked(self, client: httpx.AsyncClient, account: str, *, within: float = 60) -> None:
        """Wait until the account asks to be connected again."""

        async def asks() -> bool:
            shown = (await client.get(f"/v1/connected-accounts/{account}")).json()
            return bool(shown["health"] == "reconnect_needed")

        await eventually(asks, within=within)

    async def put_off(self, client: httpx.AsyncClient, post: dict[str, Any], code: str) -> dict[str, Any]:
        """Wait until the post's delivery is put off by this code; the delivery."""
        seen: dict[str, Any] = {}

        async def waits() -> bool:
            seen.update((await self.story.shown(client, post))["deliveries"][0])
            return bool(seen["code"] == code)

        await eventually(waits)
        return seen

    async def until(
        self,
        client: httpx.AsyncClient,
        post: dict[str, Any],
        *statuses: str,
        step: float = 1.0,
        within: float = 60,
    ) -> dict[str, Any]:
        """The post once it has one of these statuses; time goes on meanwhile, so that what waits is asked for."""
        seen: dict[str, Any] = {}

        async def there() -> bool:
            seen.update(await self.story.shown(client, post))
            if seen["status"] in statuses:
                return True
            await self.story.forward(seconds=step)
            return False

        try:
            await eventually(there, within=within)
        except TimeoutError as error:
            raise AssertionError(f"it stays {seen}") from error
        return seen


async def told(client: httpx.AsyncClient, back: str) -> dict[str, list[str]]:
    """What a browser that comes back is told in the address it is sent on to."""
    answer = await client.get(back)
    assert answer.status_code == 303, answer.text
    return parse_qs(urlsplit(answer.headers["location"]).query)


def connected(said: Mapping[str, list[str]]) -> str:
    """The id of the account that was connected."""
    assert "connected" in said, said
    return said["connected"][0]
