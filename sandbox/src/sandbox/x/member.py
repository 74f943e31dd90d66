from collections.abc import Sequence

from fastapi import APIRouter

from sandbox.consent.tokens import Tokens
from sandbox.consent.watching import TokenWatching
from sandbox.faults import Door, Faults
from sandbox.member import Server
from sandbox.received import Received
from sandbox.webhooks import WebhookSender
from sandbox.x.api import Api
from sandbox.x.gate import Gate, answering
from sandbox.x.limits import Limits
from sandbox.x.media import MediaApi, Uploads
from sandbox.x.notifications import RETRIES, Notifier, sign
from sandbox.x.oauth import OAuth
from sandbox.x.tweets import Tweets
from sandbox.x.watching import Watching
from sandbox.x.world import World

V2 = "/x/api/2"


class X:
    """X: OAuth 2.0 with PKCE, posts, media, webhooks."""

    name = "x"
    about = "X: OAuth 2.0 with PKCE and rotating refresh tokens, API v2 posts and media, webhooks."
    door: Door = "http"
    doors: Sequence[str] = ("/x/web", "/x/api")
    servers: Sequence[Server] = ()

    def __init__(self) -> None:
        self.faults = Faults()
        self.received = Received()
        self.webhooks = WebhookSender(sign, self.faults, retries=RETRIES)
        self._world, self._limits, self._uploads = World(), Limits(), Uploads()
        self._tokens = Tokens(lambda: self._world.app)
        self._tweets = Tweets(self._uploads)
        self._notifier = Notifier(self.webhooks)
        self.router = self._routes()

    def reset(self) -> None:
        """As at the start: two people, no token, no post."""
        self._world.begin()
        for part in (self._tokens, self._tweets, self._uploads, self._limits):
            part.clear()
        self._notifier.reset()

    def _routes(self) -> APIRouter:
        oauth = OAuth(self._world, self._tokens, self._notifier)
        gate = Gate(self._world, self._tokens, self._limits)
        api = Api(gate, self._world, self._tweets, limits=self._limits, notifier=self._notifier)
        media = MediaApi(gate, self._world, self._uploads)
        tokens = TokenWatching(self._tokens, self._notifier.tell_revoked)
        watching = Watching(
            self._world,
            self._tweets,
            self._uploads,
            limits=self._limits,
            notifier=self._notifier,
            tokens=tokens,
        )
        routes = APIRouter()
        routes.include_router(watching.routes())
        subscriptions = f"{V2}/account_activity/webhooks/{{id}}/subscriptions/all"
        for path, endpoint, methods in (
            ("/x/web/i/oauth2/authorize", oauth.authorize, ["GET"]),
            (f"{V2}/oauth2/token", oauth.token, ["POST"]),
            (f"{V2}/oauth2/revoke", oauth.revoke, ["POST"]),
            (f"{V2}/users/me", api.me, ["GET"]),
            (f"{V2}/users/{{id}}/tweets", api.timeline, ["GET"]),
            (f"{V2}/tweets", api.create, ["POST"]),
            (f"{V2}/tweets/{{id}}", api.one, ["GET", "DELETE"]),
            (f"{V2}/media/upload/initialize", media.initialize, ["POST"]),
            (f"{V2}/media/upload/{{id}}/append", media.append, ["POST"]),
            (f"{V2}/media/upload/{{id}}/finalize", media.finalize, ["POST"]),
            (f"{V2}/media/upload", media.status, ["GET"]),
            (f"{V2}/media/metadata", media.metadata, ["POST"]),
            (f"{V2}/webhooks", api.webhooks, ["GET", "POST"]),
            (f"{V2}/webhooks/{{id}}", api.webhook, ["PUT", "DELETE"]),
            (subscriptions, api.subscribe, ["POST"]),
            ("/x/api/{rest:path}", api.unknown, ["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ):
            routes.add_route(path, answering(endpoint), methods=methods)
        return routes
