from collections.abc import Awaitable, Callable, Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox.faults import Door, Faults
from sandbox.linkedin.errors import Refusal
from sandbox.linkedin.gate import Gate
from sandbox.linkedin.images import Images, ImagesApi
from sandbox.linkedin.notifications import RETRIES, Notifier, sign
from sandbox.linkedin.oauth import OAuth
from sandbox.linkedin.posts import Posts
from sandbox.linkedin.quota import Quota
from sandbox.linkedin.restli import RestApi
from sandbox.linkedin.subscriptions import SubscriptionsApi
from sandbox.linkedin.tokens import Tokens
from sandbox.linkedin.watching import Watching
from sandbox.linkedin.world import World
from sandbox.member import Server
from sandbox.received import Received
from sandbox.webhooks import WebhookSender

Endpoint = Callable[[Request], Awaitable[Response]]

OAUTH = "/linkedin/www/oauth/v2"
REST = "/linkedin/api/rest"


class LinkedIn:
    """LinkedIn: OAuth, posts of members and pages, notifications."""

    name = "linkedin"
    about = "LinkedIn: OAuth 2.0, the Posts API (versioned, Rest.li 2.0) and webhooks of page activity."
    door: Door = "http"
    doors: Sequence[str] = ("/linkedin/www", "/linkedin/api")
    servers: Sequence[Server] = ()

    def __init__(self) -> None:
        self.faults = Faults()
        self.received = Received()
        self.webhooks = WebhookSender(sign, self.faults, retries=RETRIES)
        self._world = World()
        self._tokens = Tokens(self._world)
        self._posts = Posts()
        self._images = Images()
        self._quota = Quota()
        self._gate = Gate(self._world, self._tokens, self._quota)
        self._notifier = Notifier(self._world, self.webhooks)
        self.router = self._routes()

    def reset(self) -> None:
        """As at the start: two people, one page, no token, no post."""
        self._world.begin()
        self._tokens.clear()
        self._posts.clear()
        self._images.clear()
        self._quota.clear()
        self._notifier.reset()

    def _routes(self) -> APIRouter:
        oauth = OAuth(self._world, self._tokens)
        api = RestApi(self._gate, self._world, self._posts, self._images)
        images = ImagesApi(self._gate, self._images)
        subscriptions = SubscriptionsApi(self._gate, self._world, self._notifier)
        routes = APIRouter()
        watching = Watching(
            self._world,
            self._tokens,
            self._posts,
            quota=self._quota,
            notifier=self._notifier,
            sender=self.webhooks,
        )
        routes.include_router(watching.routes())
        for path, endpoint, methods in (
            (f"{OAUTH}/authorization", oauth.authorize, ["GET"]),
            (f"{OAUTH}/accessToken", oauth.access_token, ["POST"]),
            ("/linkedin/www/pictures/{person}", oauth.picture, ["GET"]),
            ("/linkedin/www/dms-uploads/{image}", images.upload, ["PUT"]),
            (f"{REST}/images", images.initialize, ["POST"]),
            (f"{REST}/images/{{urn}}", images.read, ["GET"]),
            ("/linkedin/api/v2/userinfo", api.userinfo, ["GET"]),
            (f"{REST}/posts", api.create_post, ["POST"]),
            (f"{REST}/posts", api.find_posts, ["GET"]),
            (f"{REST}/posts/{{urn}}", api.one_post, ["GET", "POST", "DELETE"]),
            (f"{REST}/organizationAcls", api.organization_acls, ["GET"]),
            (f"{REST}/organizations/{{page}}", api.organization, ["GET"]),
            (f"{REST}/eventSubscriptions", subscriptions.find, ["GET"]),
            (f"{REST}/eventSubscriptions/{{key:path}}", subscriptions.one, ["GET", "PUT", "DELETE"]),
            ("/linkedin/api/{rest:path}", api.unknown, ["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ):
            routes.add_route(path, answering(endpoint), methods=methods)
        return routes


def answering(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with a refusal answered in LinkedIn's way."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refusal as refusal:
            return refusal.answer()

    return answer
