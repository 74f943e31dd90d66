"""Files that are published from an address: really fetched, and looked at as far as a server does at once."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError

from sandbox.meta.world import App

PATIENCE = timedelta(seconds=20)
PIECE = 256 * 1024
TYPES = {"image": ("image/jpeg", "image/png"), "video": ("video/mp4", "video/quicktime")}

Kind = Literal["image", "video"]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was found at an address; `trouble` is the subcode of Instagram's that says what is wrong with it."""

    size: int = 0
    mime: str = ""
    trouble: int = 0


class Files:
    """Fetches what is to be published."""

    def __init__(self) -> None:
        self._client: Client | None = None

    async def fetch(self, url: str, kind: Kind, app: App) -> Fetched:
        """Fetch it; never raises."""
        largest = app.largest_image if kind == "image" else app.largest_video
        try:
            async with self._opened().get(url).build_streamed() as response:
                if response.status != 200:
                    return Fetched(trouble=2207052)
                mime = (response.headers.get("content-type") or "").partition(";")[0].strip()
                size = 0
                while size <= largest and (chunk := await response.body_reader.read(PIECE)):
                    size += len(chunk)
        except (PyreqwestError, ValueError):
            return Fetched(trouble=2207052)
        if mime not in TYPES[kind]:
            return Fetched(size, mime, 2207005 if kind == "image" else 2207026)
        if size > largest or size == 0:
            return Fetched(size, mime, 2207004 if kind == "image" else 2207026)
        return Fetched(size, mime)

    def _opened(self) -> Client:
        if self._client is None:
            self._client = ClientBuilder().timeout(PATIENCE).follow_redirects(False).no_proxy().build()
        return self._client
