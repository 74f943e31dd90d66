"""For those who watch one of Meta's platforms from outside: set it up, play its people, see what is live."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field, JsonValue

from sandbox.consent.tokens import State
from sandbox.json import Object
from sandbox.meta.published import Comment, Post, Published, new_number
from sandbox.meta.telling import Hooks, Telling
from sandbox.meta.tokens import Token, Tokens
from sandbox.meta.world import Page, Person, World
from sandbox.paging import Newest
from sandbox.staging import stage_all, stage_app

Told = Callable[[Post, Comment], tuple[str, Object]]
"""How a platform tells of a comment: topic and payload of its webhook."""


class PostOut(BaseModel):
    """Something that is live."""

    id: str
    owner: str
    text: str
    kind: str
    reply_to: str
    created_at: float
    deleted: bool
    comments: list[str]
    body: dict[str, JsonValue]


class TokenOut(BaseModel):
    """A token that was issued."""

    access_token: str
    person: str
    page: str
    state: State
    expires_at: float | None


class Ending(BaseModel):
    """Which tokens shall end, and how; without a person all of them."""

    state: Literal["revoked", "expired"] = "revoked"
    person: str | None = None


class Leaving(BaseModel):
    """Somebody takes the permission back, or wants their data deleted: their tokens are dead from then on."""

    person: str
    wants: Literal["deauthorize", "data_deletion"] = "deauthorize"


class CommentIn(BaseModel):
    """What somebody writes below a post."""

    text: Annotated[str, Field(min_length=1, max_length=10_000)]
    author: Annotated[str, Field(max_length=60)] = "700001"


class Watching:
    """The paths below /<member>/control."""

    def __init__(
        self, world: World, tokens: Tokens, published: Published, telling: Telling, *, comment_told: Told
    ) -> None:
        self._world, self._tokens, self._published, self._telling = world, tokens, published, telling
        self._comment_told = comment_told

    def routes(self, name: str) -> APIRouter:
        """All paths of those who watch."""
        routes = APIRouter(prefix=f"/{name}/control")
        add = routes.add_api_route
        stage_app(routes, self._world)
        stage_all(routes, "/people", self._world.people, Person, lambda one: one.id)
        stage_all(routes, "/pages", self._world.pages, Page, lambda one: one.id)
        add("/posts", self.list_posts, methods=["GET"])
        add("/posts/{post_id}/comments", self.comment, methods=["POST"], status_code=201)
        add("/tokens", self.list_tokens, methods=["GET"])
        add("/tokens/end", self.end_tokens, methods=["POST"])
        add("/leave", self.leave, methods=["POST"])
        add("/hooks", self.put_hooks, methods=["PUT"], status_code=204)
        return routes

    async def list_posts(self, owner: str | None = None, deleted: bool = False, limit: Newest = 100) -> list[PostOut]:
        """What is live, newest first, from the moment it was accepted; what was deleted on demand."""
        found = self._published.posts.all(lambda one: owner in {None, one.owner} and (deleted or not one.deleted))
        return [self._out(one) for one in found[::-1][:limit]]

    async def comment(self, post_id: str, said: CommentIn) -> dict[str, str]:
        """Somebody comments on a post; the application hears of it."""
        post = self._published.posts.get(post_id)
        if post is None or post.deleted:
            raise HTTPException(404, "There is no such post.")
        comment = Comment(new_number("179"), post.id, said.author, said.text)
        self._published.comments.put(comment.id, comment)
        self._telling.tell(*self._comment_told(post, comment))
        return {"id": comment.id}

    async def list_tokens(self) -> list[TokenOut]:
        """Tokens in the order in which they were issued."""
        return [_token_out(one) for one in self._tokens.issued.all()]

    async def end_tokens(self, ending: Ending) -> dict[str, int]:
        """Let tokens end; how many did."""
        return {"ended": self._tokens.end(ending.state, lambda one: ending.person in {None, one.person_id})}

    async def leave(self, leaving: Leaving) -> dict[str, int]:
        """Somebody leaves the application; how many tokens died by it."""
        ended = self._tokens.end("revoked", lambda one: one.person_id == leaving.person)
        self._telling.ask(leaving.wants, leaving.person)
        return {"ended": ended}

    async def put_hooks(self, hooks: Hooks) -> None:
        """Tell the application there, once its webhook has answered the challenge."""
        await self._telling.register(hooks)

    def _out(self, post: Post) -> PostOut:
        comments = [each.text for each in self._published.below(post.id)]
        values = {name: getattr(post, name) for name in PostOut.model_fields if name != "comments"}
        return PostOut.model_validate({**values, "comments": comments})


def _token_out(token: Token) -> TokenOut:
    until = None if token.until == float("inf") else token.until
    return TokenOut(
        access_token=token.value, person=token.person_id, page=token.page_id, state=token.state, expires_at=until
    )
