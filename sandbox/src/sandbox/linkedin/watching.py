"""For those who watch LinkedIn from outside: set it up, play its people, see what is live."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field, JsonValue

from sandbox.linkedin.notifications import Action, Notifier
from sandbox.linkedin.posts import Post, Posts
from sandbox.linkedin.quota import Quota
from sandbox.linkedin.tokens import AccessToken, State, Tokens
from sandbox.linkedin.world import App, Page, Person, Subscription, World
from sandbox.pulse import Most, Pulse, PulseOut, Since
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


class TokenOut(BaseModel):
    """An access token that was issued."""

    access_token: str
    refresh_token: str
    person: str
    scopes: list[str]
    state: State
    issued_at: float
    expires_at: float


class Ending(BaseModel):
    """Which tokens shall end, and how; without a person or a token all of them."""

    state: Literal["revoked", "expired"]
    person: str | None = None
    access_token: str | None = None
    refreshable: bool = False
    """Whether their refresh tokens stay good."""


class ActionIn(BaseModel):
    """What a person does to a post."""

    person: str
    action: Action = "COMMENT"
    text: Annotated[str, Field(max_length=10_000)] = ""


class Watching:
    """The paths below /linkedin/control."""

    def __init__(
        self, world: World, tokens: Tokens, posts: Posts, *, quota: Quota, notifier: Notifier, sender: WebhookSender
    ) -> None:
        self._world, self._tokens, self._posts, self._quota = world, tokens, posts, quota
        self._notifier, self._sender = notifier, sender

    def routes(self) -> APIRouter:
        """All paths of those who watch."""
        routes = APIRouter(prefix="/linkedin/control")
        add = routes.add_api_route
        add("/app", self.read_app, methods=["GET"])
        add("/app", self.put_app, methods=["PUT"])
        add("/people", self.list_people, methods=["GET"])
        add("/people", self.put_person, methods=["POST"], status_code=201)
        add("/pages", self.list_pages, methods=["GET"])
        add("/pages", self.put_page, methods=["POST"], status_code=201)
        add("/posts", self.list_posts, methods=["GET"])
        add("/posts/{urn}/actions", self.act, methods=["POST"], status_code=201)
        add("/tokens", self.list_tokens, methods=["GET"])
        add("/tokens/end", self.end_tokens, methods=["POST"])
        add("/calls", self.list_calls, methods=["GET"])
        add("/subscriptions", self.list_subscriptions, methods=["GET"])
        add("/webhook", self.put_webhook, methods=["PUT"], status_code=204)
        return routes

    async def read_app(self) -> App:
        """How LinkedIn treats the application."""
        return self._world.app

    async def put_app(self, app: App) -> App:
        """Treat the application so; what is not given is as at the start."""
        self._world.app = app
        return app

    async def list_people(self) -> list[Person]:
        """All members."""
        return self._world.people.all()

    async def put_person(self, person: Person) -> Person:
        """A member, in place of one of that id."""
        self._world.people.put(person.id, person)
        return person

    async def list_pages(self) -> list[Page]:
        """All pages."""
        return self._world.pages.all()

    async def put_page(self, page: Page) -> Page:
        """A page, in place of one of that id."""
        self._world.pages.put(page.id, page)
        return page

    async def list_posts(
        self, author: str | None = None, deleted: bool = False, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> list[PostOut]:
        """The posts, newest first, from the moment they were accepted; the deleted ones on demand."""
        wanted = (one for one in self._posts.all() if author in {None, one.author} and (deleted or not one.deleted))
        return [_post_out(post) for post, _ in zip(wanted, range(limit), strict=False)]

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

    async def list_tokens(self, person: str | None = None) -> list[TokenOut]:
        """Access tokens in the order in which they were issued."""
        return [_token_out(one) for one in self._tokens.issued.all(lambda one: person in {None, one.grant.person_id})]

    async def end_tokens(self, ending: Ending) -> dict[str, int]:
        """Let tokens end; how many did."""

        def meant(token: AccessToken) -> bool:
            return ending.person in {None, token.grant.person_id} and ending.access_token in {None, token.value}

        return {"ended": self._tokens.end(ending.state, meant, refreshable=ending.refreshable)}

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


def _token_out(token: AccessToken) -> TokenOut:
    return TokenOut(
        access_token=token.value,
        refresh_token=token.grant.refresh_token,
        person=token.grant.person_id,
        scopes=list(token.grant.scopes),
        state=token.state,
        issued_at=token.issued_at,
        expires_at=token.until,
    )
