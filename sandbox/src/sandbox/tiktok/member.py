from collections.abc import Sequence

from fastapi import APIRouter

from sandbox.consent.tokens import Tokens
from sandbox.consent.watching import TokenWatching
from sandbox.faults import Door, Faults
from sandbox.member import Server
from sandbox.pulling import Puller
from sandbox.received import Received
from sandbox.refusals import answering
from sandbox.tiktok.api import Api
from sandbox.tiktok.notifications import RETRIES, Notifier, sign
from sandbox.tiktok.oauth import OAuth
from sandbox.tiktok.posts import Posts
from sandbox.tiktok.watching import Watching
from sandbox.tiktok.world import World
from sandbox.webhooks import WebhookSender

V2 = "/tiktok/api/v2"
POSTING = f"{V2}/post/publish"


class TikTok:
    """TikTok: OAuth, the Content Posting API, webhooks."""

    name = "tiktok"
    about = "TikTok: OAuth 2.0 with rotating refresh tokens, the Content Posting API, webhooks."
    door: Door = "http"
    doors: Sequence[str] = ("/tiktok/www", "/tiktok/api", "/tiktok/upload")
    servers: Sequence[Server] = ()

    def __init__(self) -> None:
        self.faults = Faults()
        self.received = Received()
        self.webhooks = WebhookSender(sign, self.faults, retries=RETRIES)
        self._world = World()
        self._tokens = Tokens(lambda: self._world.app)
        self._notifier = Notifier(self.webhooks)
        self._posts = Posts(self._notifier)
        self._api = Api(self._world, self._tokens, self._posts, Puller())
        self.router = self._routes()

    def reset(self) -> None:
        """As at the start: two creators, no token, no post."""
        self._world.begin()
        for part in (self._tokens, self._posts, self._api):
            part.clear()
        self._notifier.reset()

    def _routes(self) -> APIRouter:
        oauth, api = OAuth(self._world, self._tokens, self._notifier), self._api
        tokens = TokenWatching(self._tokens, self._notifier.tell_removed)
        watching = Watching(self._world, self._posts, api, notifier=self._notifier, tokens=tokens)
        routes = APIRouter()
        routes.include_router(watching.routes())
        for path, endpoint, methods in (
            ("/tiktok/www/v2/auth/authorize/", oauth.authorize, ["GET"]),
            (f"{V2}/oauth/token/", oauth.token, ["POST"]),
            (f"{V2}/oauth/revoke/", oauth.revoke, ["POST"]),
            (f"{V2}/user/info/", api.user_info, ["GET"]),
            (f"{V2}/video/list/", api.videos, ["POST"]),
            (f"{POSTING}/creator_info/query/", api.creator_info, ["POST"]),
            (f"{POSTING}/video/init/", api.init_video, ["POST"]),
            (f"{POSTING}/content/init/", api.init_content, ["POST"]),
            (f"{POSTING}/status/fetch/", api.status, ["POST"]),
            ("/tiktok/upload/video/{key}", api.upload, ["PUT"]),
            ("/tiktok/api/{rest:path}", api.unknown, ["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ):
            routes.add_route(path, answering(endpoint), methods=methods)
        return routes
