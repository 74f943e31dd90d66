"""For those who watch LinkedIn from outside: set it up, play its people, see what is live."""

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field, JsonValue

from sandbox.consent.watching import TokenWatching
from sandbox.linkedin.comments import CommentOut, Comments
from sandbox.linkedin.notifications import Action, Notifier
from sandbox.linkedin.posts import Post, Posts
from sandbox.linkedin.quota import Quota
from sandbox.linkedin.world import Page, Person, Subscription, World
from sandbox.paging import Newest
from sandbox.pulse import Most, Pulse, PulseOut, Since
from sandbox.staging import stage_all, stage_app
from sandbox.webhooks import Retries, WebhookSender

Waits = Annotated[list[Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]], Field(max_length=50)]
Url = Annotated[str, Field(pattern=r"^https?://", max_length=2000)]


class WebhookIn(BaseModel):
    """Where to send notifications, and how long to wait before each further attempt."""

    url: Url
    retry_seconds: Waits = [1.0, 5.0, 30.0]


class PostOut(BaseModel):
    """A post: as it was written, and the text that a reader sees."""

    urn: str
    author: str
    commentary: str
    text: str
    created_at: float
    deleted: bool
    edited: bool
    comments: list[dict[str, JsonValue]]
    body: dict[str, JsonValue]


class ActionIn(BaseModel):
    """What a person does to a post."""

    person: str
    action: Action = "COMMENT"
    text: Annotated[str, Field(max_length=10_000)] = ""


class Watching:
    """The paths below /linkedin/control."""

    def __init__(
        self,
        world: World,
        posts: Posts,
        *,
        comments: Comments,
        quota: Quota,
        notifier: Notifier,
        sender: WebhookSender,
        tokens: TokenWatching,
    ) -> None:
        self._world, self._posts, self._quota = world, posts, quota
        self._comments, self._tokens = comments, tokens
        self._notifier, self._sender = notifier, sender

    def routes(self) -> APIRouter:
        """All paths of those who watch."""
        routes = APIRouter(prefix="/linkedin/control")
        add = routes.add_api_route
        stage_app(routes, self._world)
        stage_all(routes, "/people", self._world.people, Person, lambda one: one.id)
        stage_all(routes, "/pages", self._world.pages, Page, lambda one: one.id)
        add("/posts", self.list_posts, methods=["GET"])
        add("/posts/{urn}/actions", self.act, methods=["POST"], status_code=201)
        add("/comments", self.list_comments, methods=["GET"])
        add("/calls", self.list_calls, methods=["GET"])
        add("/subscriptions", self.list_subscriptions, methods=["GET"])
        add("/webhook", self.put_webhook, methods=["PUT"], status_code=204)
        self._tokens.add_to(routes)
        return routes

    async def list_posts(
        self, author: str | None = None, deleted: bool = False, limit: Newest = 100
    ) -> list[PostOut]:
        """The posts, newest first, from the moment they were accepted; the deleted ones on demand."""
        wanted = (one for one in self._posts.all() if author in {None, one.author} and (deleted or not one.deleted))
        return [_post_out(post) for post in islice(wanted, limit)]

    async def act(self, urn: str, action: ActionIn) -> dict[str, JsonValue]:
        """A person likes or comments on a post; the application hears of it where it has subscribed to the page."""
        post = next((one for one in self._posts.all() if one.urn == urn and not one.deleted), None)
        person = self._world.people.get(action.person)
        if post is None or person is None:
            raise HTTPException(404, "There is no such post or person.")
        notification = self._notifier.tell(post, person, action.action, action.text)
        post.comments.append({"person": person.id, "action": action.action, "text": action.text})
        del post.comments[:-100]
        return notification  # type: ignore[return-value]

    async def list_comments(self, urn: str | None = None) -> list[CommentOut]:
        """The comments that applications wrote, newest first; those below one post on demand."""
        return [one.shown() for one in self._comments.below(urn)]

    async def list_calls(self, method: str = "posts.CREATE", since: Since = 0, limit: Most = 1000) -> PulseOut:
        """When calls of a method came, by LinkedIn's name of it; those it throttled too."""
        return self._quota.pulses.get(method, Pulse()).read(since=since, limit=limit)

    async def list_subscriptions(self) -> list[Subscription]:
        """Of which pages the application hears, for whom, and where."""
        return self._world.subscriptions.all()

    async def put_webhook(self, webhook: WebhookIn) -> None:
        """Send all notifications there, subscribed to or not, once the address has answered the challenge."""
        await self._notifier.register(webhook.url)
        self._sender.retry_as(Retries(tuple(webhook.retry_seconds)))


def _post_out(post: Post) -> PostOut:
    return PostOut.model_validate(
        {
            "urn": post.urn,
            "author": post.author,
            "commentary": post.body.get("commentary") or "",
            "text": post.text,
            "created_at": post.created_at / 1000,
            "deleted": post.deleted,
            "edited": post.edited,
            "comments": post.comments,
            "body": post.body,
        }
    )
