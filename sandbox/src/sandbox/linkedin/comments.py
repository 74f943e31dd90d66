"""Comments that applications write below posts at LinkedIn."""

import itertools
import time
from dataclasses import dataclass
from urllib.parse import unquote

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from sandbox.json import Object, text_at, write
from sandbox.linkedin import errors
from sandbox.linkedin.gate import Gate, json_answer, read_body
from sandbox.linkedin.posts import Posts
from sandbox.ring import Ring

KEPT_COMMENTS = 20_000
LONGEST = 1250

_numbers = itertools.count(7_000_000_000_000_000_000)


class CommentOut(BaseModel):
    """A comment as those see it who watch."""

    id: str
    post: str
    actor: str
    text: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment; `post` is what it is below."""

    id: str
    post: str
    actor: str
    text: str
    created_at: int

    def out(self) -> Object:
        """As the API answers it."""
        return {
            "id": self.id,
            "commentUrn": f"urn:li:comment:({self.post},{self.id})",
            "actor": self.actor,
            "object": self.post,
            "message": {"text": self.text},
            "created": {"actor": self.actor, "time": self.created_at},
        }

    def shown(self) -> CommentOut:
        """As those see it who watch."""
        return CommentOut(id=self.id, post=self.post, actor=self.actor, text=self.text)


class Comments:
    """All comments, newest first."""

    def __init__(self) -> None:
        self._ring: Ring[Comment] = Ring(most=KEPT_COMMENTS)

    def add(self, post: str, actor: str, text: str) -> Comment:
        """A comment was written."""
        comment = Comment(str(next(_numbers)), post, actor, text, time.time_ns() // 1_000_000)
        self._ring.add(comment)
        return comment

    def below(self, post: str | None) -> list[Comment]:
        """Those below one post, or all."""
        return self._ring.page(limit=KEPT_COMMENTS, where=lambda one: post in {None, one.post}).items

    def clear(self) -> None:
        """Forget all."""
        self._ring.clear()


class CommentsApi:
    """The comments of the resource socialActions."""

    def __init__(self, gate: Gate, posts: Posts, comments: Comments) -> None:
        self._gate, self._posts, self._comments = gate, posts, comments

    async def all(self, request: Request) -> Response:
        """Write a comment below a post, or read those there are."""
        urn = unquote(request.path_params["urn"])
        if request.method == "GET":
            caller = self._gate.enter(request, "socialActions.comments.GET_ALL")
            self._gate.refuse_foreign_reader(caller, self._posts.find(urn).author)
            found: list[object] = [one.out() for one in self._comments.below(urn)]
            return json_answer({"paging": {"start": 0, "count": 10, "total": len(found)}, "elements": found})
        caller = self._gate.enter(request, "socialActions.comments.CREATE", writes=True)
        body = read_body(await request.body())
        self._gate.refuse_foreign_author(caller, text_at(body, "actor"))
        post, text = self._posts.find(urn), text_at(body, "message", "text")
        if not text or len(text) > LONGEST:
            raise errors.invalid_field("/message/text", f"must have 1 to {LONGEST} characters")
        if text_at(body, "object") not in {"", urn}:
            raise errors.invalid_field("/object", "is not what the comment is below")
        comment = self._comments.add(post.urn, text_at(body, "actor"), text)
        return Response(write(comment.out()), 201, {"x-restli-id": comment.id}, media_type="application/json")
