"""What the rush and its workers share: settings, pictures and films, and how the publisher is built."""

import base64
from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from kit.db.database import Transaction
from postrules.limits import Platform as Name
from publisher.platforms.base import MediaItem
from publisher.settings import PublisherSettings

MASTER: Final = base64.urlsafe_b64encode(bytes(range(32))).decode()
IMAGE, FILM = UUID(int=1), UUID(int=2)
CONTENT: Final = {IMAGE: b"the bytes of a picture" * 20, FILM: b"the bytes of a film" * 50}


class Pictures:
    """One picture and one film, in place of the store; the picture is served where the bench is asked for it."""

    def __init__(self, url: str) -> None:
        self._items = {IMAGE: _item(IMAGE, url), FILM: _item(FILM, url)}

    async def find(
        self, tx: Transaction, media_ids: Collection[UUID], *, hold: bool = False
    ) -> Mapping[UUID, MediaItem]:
        """Those that there are."""
        _ = tx, hold
        return {each: self._items[each] for each in media_ids if each in self._items}


def _item(media_id: UUID, url: str) -> MediaItem:
    content = CONTENT[media_id]

    async def read(offset: int, length: int) -> bytes:
        return content[offset : offset + length]

    film = media_id == FILM
    return MediaItem(
        media_id=media_id,
        kind="video" if film else "image",
        mime="video/mp4" if film else "image/jpeg",
        size_bytes=len(content),
        width=1080,
        height=1920 if film else 1350,
        duration_ms=9000 if film else None,
        alt="a cake",
        url=f"{url}/{media_id}.{'mp4' if film else 'jpg'}",
        read=read,
    )


def settings(database_url: str, urls: Mapping[Name, str]) -> PublisherSettings:
    """Our applications at the sandboxes."""
    at = urls.__getitem__
    wanted: dict[str, Any] = {
        "http_port": 1,
        "jwks_url": "http://127.0.0.1:1/jwks.json",
        "database_url": database_url,
        "public_url": "http://127.0.0.1:1",
        "linkedin_client_id": "sandbox-client",
        "linkedin_client_secret": "sandbox-secret",
        "linkedin_api_url": f"{at(Name.LINKEDIN)}/linkedin/api",
        "linkedin_oauth_url": f"{at(Name.LINKEDIN)}/linkedin/www",
        "facebook_upload_url": f"{at(Name.FACEBOOK)}/facebook/rupload",
        "x_client_id": "sandbox-x-client",
        "x_client_secret": "sandbox-x-secret",
        "x_api_url": f"{at(Name.X)}/x/api",
        "x_consent_url": f"{at(Name.X)}/x/web",
        "youtube_client_id": "2000000000001-sandbox.apps.googleusercontent.com",
        "youtube_client_secret": "sandbox-youtube-secret",
        "youtube_consent_url": f"{at(Name.YOUTUBE)}/youtube/accounts/o/oauth2/v2/auth",
        "youtube_token_url": f"{at(Name.YOUTUBE)}/youtube/oauth2/token",
        "youtube_api_url": f"{at(Name.YOUTUBE)}/youtube/api",
        "tiktok_client_key": "sandboxtiktokkey",
        "tiktok_client_secret": "sandbox-tiktok-secret",
        "tiktok_api_url": f"{at(Name.TIKTOK)}/tiktok/api",
        "tiktok_consent_url": f"{at(Name.TIKTOK)}/tiktok/www",
    }
    for name in (Name.FACEBOOK, Name.INSTAGRAM, Name.THREADS):
        wanted[f"{name}_client_id"] = "sandbox-client"
        wanted[f"{name}_client_secret"] = "sandbox-secret"
        wanted[f"{name}_graph_url"] = f"{at(name)}/{name}/graph"
        wanted[f"{name}_consent_url"] = f"{at(name)}/{name}/www"
    return PublisherSettings(**wanted)
