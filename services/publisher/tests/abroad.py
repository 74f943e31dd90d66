"""X, YouTube and TikTok as the publisher's people and those who watch meet them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from kit.db.database import Transaction
from kit.ids import new_id
from kit.testing.outside import Sandbox
from publisher.platforms.base import MediaItem

from .sides import PlatformSide, connected, told

PERSON = {"x": "2000001", "youtube": "ann", "tiktok": "ann-open-id"}
PUBLISHING = {
    "x": {"path": "/x/api/2/tweets", "method": "POST"},
    "youtube": {"path": "/youtube/api/resumable/upload/youtube/v3/videos", "method": "PUT"},
    "tiktok": {"path": "/tiktok/upload/video", "method": "PUT"},
}
TOKEN = {
    "x": {"path": "/x/api/2/oauth2/token", "method": "POST"},
    "youtube": {"path": "/youtube/oauth2/token", "method": "POST"},
    "tiktok": {"path": "/tiktok/api/v2/oauth/token/", "method": "POST"},
}


def applications(sandbox: Sandbox) -> dict[str, Any]:
    """Our applications at the three, as the settings say."""
    return {
        "x_client_id": "sandbox-x-client",
        "x_client_secret": "sandbox-x-secret",
        "x_consumer_secret": "sandbox-x-consumer-secret",
        "x_api_url": f"{sandbox.url}/x/api",
        "x_consent_url": f"{sandbox.url}/x/web",
        "youtube_client_id": "2000000000001-sandbox.apps.googleusercontent.com",
        "youtube_client_secret": "sandbox-youtube-secret",
        "youtube_consent_url": f"{sandbox.url}/youtube/accounts/o/oauth2/v2/auth",
        "youtube_token_url": f"{sandbox.url}/youtube/oauth2/token",
        "youtube_api_url": f"{sandbox.url}/youtube/api",
        "tiktok_client_key": "sandboxtiktokkey",
        "tiktok_client_secret": "sandbox-tiktok-secret",
        "tiktok_api_url": f"{sandbox.url}/tiktok/api",
        "tiktok_consent_url": f"{sandbox.url}/tiktok/www",
    }


@dataclass
class Stored:
    """Pictures and films in memory, in place of the store."""

    items: dict[UUID, MediaItem] = field(default_factory=dict)
    reads: list[tuple[int, int]] = field(default_factory=list)

    async def find(
        self, tx: Transaction, media_ids: Collection[UUID], *, hold: bool = False
    ) -> Mapping[UUID, MediaItem]:
        _ = hold
        assert tx.organization_ids
        return {each: self.items[each] for each in media_ids if each in self.items}

    def film(self, size: int = 1000, *, seconds: int = 10) -> str:
        return self._add("video", "video/mp4", size, seconds * 1000, None)

    def picture(self, url: str | None = None, alt: str = "") -> str:
        return self._add("image", "image/jpeg", 500, None, url, alt)

    def document(self, size: int = 1000) -> str:
        return self._add("document", "application/pdf", size, None, None)

    def _add(self, kind: Any, mime: str, size: int, duration: int | None, url: str | None, alt: str = "") -> str:
        media_id = new_id()

        async def read(offset: int, length: int) -> bytes:
            self.reads.append((offset, length))
            return b"m" * max(0, min(length, size - offset))

        self.items[media_id] = MediaItem(media_id, kind, mime, size, 720, 1080, duration, alt, url, read)
        return str(media_id)


@dataclass
class Side(PlatformSide):
    """One of the three as those see it who watch."""

    stored: Stored

    async def consent(self, client: httpx.AsyncClient, person: str | None = None, **answer: str) -> str:
        """Ask to connect and answer the consent page; the address with which the browser comes back."""
        return await self.answered(client, "member", answer or {"approve": person or PERSON[self.name]})

    async def come_back(self, client: httpx.AsyncClient, person: str | None = None) -> dict[str, list[str]]:
        return await told(client, await self.consent(client, person))

    async def connect(self, client: httpx.AsyncClient, person: str | None = None) -> str:
        """The id of a connected account."""
        return connected(await self.come_back(client, person))

    async def parks_and_leaves_once_reconnected(
        self, client: httpx.AsyncClient, account: str, post: dict[str, Any]
    ) -> None:
        """What waits for a dead permission is published when the person has given it again."""
        await self.parked(client, account)
        assert (await self.story.shown(client, post))["status"] == "scheduled"
        assert await self.connect(client) == account
        await self.until(client, post, "published")
