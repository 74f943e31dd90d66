from collections.abc import Sequence

from fastapi import APIRouter

from sandbox.consent.tokens import Tokens
from sandbox.consent.watching import TokenWatching
from sandbox.faults import Door, Faults
from sandbox.member import Server
from sandbox.received import Received
from sandbox.refusals import answering
from sandbox.webhooks import WebhookSender
from sandbox.youtube.api import Api
from sandbox.youtube.gate import Gate
from sandbox.youtube.oauth import OAuth
from sandbox.youtube.quota import Quota
from sandbox.youtube.uploads import Uploads
from sandbox.youtube.videos import Videos
from sandbox.youtube.watching import Watching
from sandbox.youtube.world import World

API = "/youtube/api/youtube/v3"


class YouTube:
    """YouTube: Google's OAuth 2.0, resumable uploads, films, comments, the day's quota."""

    name = "youtube"
    about = "YouTube Data API v3: OAuth 2.0, resumable uploads, processing, comments, quota of the project."
    door: Door = "http"
    doors: Sequence[str] = ("/youtube/accounts", "/youtube/oauth2", "/youtube/api")
    servers: Sequence[Server] = ()
    webhooks: WebhookSender | None = None

    def __init__(self) -> None:
        self.faults = Faults()
        self.received = Received()
        self._world, self._quota, self._videos = World(), Quota(), Videos()
        self._tokens = Tokens(lambda: self._world.app)
        gate = Gate(self._world, self._tokens, self._quota)
        self._oauth = OAuth(self._world, self._tokens)
        self._uploads = Uploads(gate, self._world, self._videos, self._quota)
        self.router = self._routes(Api(gate, self._videos))

    def reset(self) -> None:
        """As at the start: two people, one channel, no token, no film."""
        self._world.begin()
        for part in (self._tokens, self._videos, self._uploads, self._quota, self._oauth):
            part.clear()

    def _routes(self, api: Api) -> APIRouter:
        tokens, uploads = TokenWatching(self._tokens), self._uploads
        watching = Watching(self._world, self._videos, uploads, quota=self._quota, tokens=tokens)
        routes = APIRouter()
        routes.include_router(watching.routes())
        for path, endpoint, methods in (
            ("/youtube/accounts/o/oauth2/v2/auth", self._oauth.authorize, ["GET"]),
            ("/youtube/oauth2/token", self._oauth.token, ["POST"]),
            ("/youtube/oauth2/revoke", self._oauth.revoke, ["POST"]),
            ("/youtube/api/resumable/upload/youtube/v3/videos", uploads.begin, ["POST"]),
            ("/youtube/api/resumable/upload/youtube/v3/videos", uploads.put, ["PUT"]),
            ("/youtube/api/upload/youtube/v3/videos", uploads.begin, ["POST"]),
            ("/youtube/api/upload/youtube/v3/videos", uploads.put, ["PUT"]),
            ("/youtube/api/upload/youtube/v3/thumbnails/set", uploads.thumbnail, ["POST"]),
            (f"{API}/channels", api.channels, ["GET"]),
            (f"{API}/videos", api.videos, ["GET", "DELETE"]),
            (f"{API}/playlistItems", api.playlist_items, ["GET"]),
            (f"{API}/commentThreads", api.comment, ["POST"]),
            ("/youtube/api/{rest:path}", api.unknown, ["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ):
            routes.add_route(path, answering(endpoint), methods=methods)
        return routes
