from collections.abc import Awaitable, Callable, Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox.consent.tokens import Tokens
from sandbox.consent.watching import TokenWatching
from sandbox.faults import Door, Faults
from sandbox.linkedin.comments import Comments, CommentsApi
from sandbox.linkedin.errors import Refusal
from sandbox.linkedin.films import Films, FilmsApi
from sandbox.linkedin.gate import Gate
from sandbox.linkedin.images import Images, ImagesApi
from sandbox.linkedin.notifications import RETRIES, Notifier, sign
from sandbox.linkedin.oauth import OAuth
from sandbox.linkedin.posts import Posts
from sandbox.linkedin.quota import Quota
from sandbox.linkedin.restli import RestApi
from sandbox.linkedin.subscriptions import SubscriptionsApi
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
        self._tokens = Tokens(lambda: self._world.app)
        self._posts = Posts()
        self._images, self._documents, self._films = Images(), Images("document"), Films()
        self._comments = Comments()
        self._quota = Quota()
        self._gate = Gate(self._world, self._tokens, self._quota)
        self._notifier = Notifier(self._world, self.webhooks)
        self.router = self._routes()

    def reset(self) -> None:
        """As at the start: two people, one page, no token, no post."""
        self._world.begin()
        self._tokens.clear()
        self._posts.clear()
        for part in (self._images, self._documents, self._films, self._comments):
            part.clear()
        self._quota.clear()
        self._notifier.reset()

    def _routes(self) -> APIRouter:
        oauth = OAuth(self._world, self._tokens)
        known = (self._images, self._documents, self._films)
        api = RestApi(self._gate, self._world, self._posts, known)
        images = ImagesApi(self._gate, self._images, self._world)
        documents = ImagesApi(self._gate, self._documents, self._world)
        films = FilmsApi(self._gate, self._films, self._world)
        comments = CommentsApi(self._gate, self._posts, self._comments)
        subscriptions = SubscriptionsApi(self._gate, self._world, self._notifier)
        routes = APIRouter()
        watching = Watching(
            self._world,
            self._posts,
            comments=self._comments,
            quota=self._quota,
            notifier=self._notifier,
            sender=self.webhooks,
            tokens=TokenWatching(self._tokens),
        )
        routes.include_router(watching.routes())
        for path, endpoint, methods in (
            (f"{OAUTH}/authorization", oauth.authorize, ["GET"]),
            (f"{OAUTH}/accessToken", oauth.access_token, ["POST"]),
            ("/linkedin/www/pictures/{person}", oauth.picture, ["GET"]),
            ("/linkedin/www/dms-uploads/images/{image}", images.upload, ["PUT"]),
            ("/linkedin/www/dms-uploads/documents/{image}", documents.upload, ["PUT"]),
            ("/linkedin/www/dms-uploads/videos/{video}/{part}", films.upload, ["PUT"]),
            (f"{REST}/documents", documents.initialize, ["POST"]),
            (f"{REST}/documents/{{urn}}", documents.read, ["GET"]),
            (f"{REST}/videos", films.act, ["POST"]),
            (f"{REST}/videos/{{urn}}", films.read, ["GET"]),
            (f"{REST}/socialActions/{{urn}}/comments", comments.all, ["GET", "POST"]),
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
