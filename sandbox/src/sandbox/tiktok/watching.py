"""For those who watch TikTok from outside: set it up, see what is live."""

from itertools import islice
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, JsonValue

from sandbox.consent.watching import TokenWatching
from sandbox.paging import Newest
from sandbox.pulse import Most, Pulse, PulseOut, Since
from sandbox.staging import stage_all, stage_app
from sandbox.tiktok.api import Api
from sandbox.tiktok.notifications import Notifier
from sandbox.tiktok.posts import Posts, Publication
from sandbox.tiktok.world import Person, World


class WebhookIn(BaseModel):
    """Where to tell what happens; empty tells nobody."""

    url: Annotated[str, Field(pattern=r"^(https?://.+)?$", max_length=2000)]


class PostOut(BaseModel):
    """A post and how far it is."""

    publish_id: str
    post_id: str
    owner: str
    kind: str
    title: str
    privacy: str
    state: str
    reason: str
    size: int
    chunks: int
    pulled: list[str]
    began_at: float
    body: dict[str, JsonValue]


class Watching:
    """The paths below /tiktok/control."""

    def __init__(self, world: World, posts: Posts, api: Api, *, notifier: Notifier, tokens: TokenWatching) -> None:
        self._world, self._posts, self._api = world, posts, api
        self._notifier, self._tokens = notifier, tokens

    def routes(self) -> APIRouter:
        """All paths of those who watch."""
        routes = APIRouter(prefix="/tiktok/control")
        add = routes.add_api_route
        stage_app(routes, self._world)
        stage_all(routes, "/people", self._world.people, Person, lambda one: one.id)
        add("/posts", self.list_posts, methods=["GET"])
        add("/tell", self.tell, methods=["POST"], status_code=204)
        add("/calls", self.list_calls, methods=["GET"])
        add("/webhook", self.put_webhook, methods=["PUT"], status_code=204)
        self._tokens.add_to(routes)
        return routes

    async def list_posts(self, owner: str | None = None, live: bool = False, limit: Newest = 100) -> list[PostOut]:
        """The posts, newest first, from the moment they were asked for; on demand only those that are live."""
        wanted = (one for one in self._posts.all() if owner in {None, one.owner.id} and (one.live or not live))
        return [_out(one) for one in islice(wanted, limit)]

    async def tell(self) -> None:
        """Send the webhooks that are due: what has become of each post."""
        for one in self._posts.all():
            self._posts.tell(one)

    async def list_calls(self, what: str = "init", since: Since = 0, limit: Most = 1000) -> PulseOut:
        """When calls came: init, status, creator_info, video.list, user.info."""
        return self._api.pulses.get(what, Pulse()).read(since=since, limit=limit)

    async def put_webhook(self, webhook: WebhookIn) -> None:
        """Tell what happens there, as if the address had been entered in the portal."""
        self._notifier.url = webhook.url


def _out(one: Publication) -> PostOut:
    return PostOut.model_validate(
        {
            "publish_id": one.id,
            "post_id": one.post_id,
            "owner": one.owner.id,
            "kind": one.kind,
            "title": one.title,
            "privacy": one.privacy,
            "state": one.state,
            "reason": one.reason if one.state == "FAILED" else "",
            "size": one.received,
            "chunks": one.chunks_received,
            "pulled": one.pulled,
            "began_at": one.began_at,
            "body": one.body,
        }
    )
