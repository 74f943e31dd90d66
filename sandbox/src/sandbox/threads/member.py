from collections.abc import Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox.json import Object, write
from sandbox.meta.consent import Consent, check_client
from sandbox.meta.containers import THREADS, ContainersApi, Owners
from sandbox.meta.gate import read_params
from sandbox.meta.login import token_out
from sandbox.meta.member import Endpoints, MetaMember
from sandbox.meta.paging import only
from sandbox.meta.published import Comment, Post, meta_time
from sandbox.meta.refusals import wrong_parameter
from sandbox.meta.world import CLIENT_ID

GRAPH = "/threads/graph"


class Threads(MetaMember):
    """Threads: its own OAuth, and profiles that publish by containers."""

    name = "threads"
    about = "Threads: OAuth of its own, containers, replies, the publishing limit and webhooks."
    doors: Sequence[str] = ("/threads/www", "/threads/graph")

    def __init__(self) -> None:
        super().__init__()
        owners = Owners(self._world, profiles=True)
        self._containers = ContainersApi(self._gate, self._world, self._published, THREADS, owners)
        self.router = self._routes()

    def reset(self) -> None:
        """As at the start: Ann and Bob, no token, nothing published."""
        super().reset()
        self._containers.clear()

    async def access_token(self, request: Request) -> Response:
        """A token of an hour for a code."""
        params = await read_params(request)
        check_client(params)
        if params.get("grant_type") != "authorization_code" or not params.get("code"):
            raise wrong_parameter("Missing authorization code")
        return token_out(self._tokens.redeem(params["code"], params.get("redirect_uri", "")), user_id=True)

    async def exchange(self, request: Request) -> Response:
        """A token of 60 days for one of an hour."""
        params = await read_params(request)
        check_client(params, with_id=False)
        return token_out(self._tokens.longer(params.get("access_token", "")))

    async def refresh(self, request: Request) -> Response:
        """A newer token of 60 days for one that lives."""
        params = await read_params(request)
        token = self._tokens.holder(params.get("access_token", ""))
        if not token.long:
            raise wrong_parameter("Only long-lived tokens can be refreshed.")
        return token_out(self._tokens.longer(token.value))

    async def me(self, request: Request) -> Response:
        """The profile of the token."""
        token, _ = await self._gate.enter(request)
        person = self._world.people.get(token.person_id)
        node: Object = {"id": token.person_id, "username": (person.name if person else "").replace(" ", ".").lower()}
        return Response(write(only(request, node)), media_type="application/json; charset=UTF-8")

    def _routes(self) -> APIRouter:
        containers, versioned = self._containers, f"{GRAPH}/{{version}}"
        consent = Consent(self._world, self._tokens, "Threads")
        endpoints: Endpoints = (
            ("/threads/www/oauth/authorize", consent.authorize, ["GET"]),
            (f"{GRAPH}/oauth/access_token", self.access_token, ["POST"]),
            (f"{GRAPH}/access_token", self.exchange, ["GET"]),
            (f"{GRAPH}/refresh_access_token", self.refresh, ["GET"]),
            (f"{versioned}/me", self.me, ["GET"]),
            (f"{versioned}/{{node}}/threads", containers.make, ["POST"]),
            (f"{versioned}/{{node}}/threads", containers.lists, ["GET"]),
            (f"{versioned}/{{node}}/replies", containers.lists, ["GET"]),
            (f"{versioned}/{{node}}/threads_publish", containers.publish, ["POST"]),
            (f"{versioned}/{{node}}/threads_publishing_limit", containers.limit, ["GET"]),
            (f"{versioned}/{{node}}", containers.node, ["GET"]),
            (f"{versioned}/{{node}}", containers.delete, ["DELETE"]),
        )
        return self._routed(endpoints, _reply)


def _reply(post: Post, comment: Comment) -> tuple[str, Object]:
    value: Object = {
        "id": comment.id,
        "username": f"user{comment.author}",
        "text": comment.text,
        "media_type": "TEXT_POST",
        "permalink": f"https://www.threads.net/@user/post/{comment.id}",
        "replied_to": {"id": post.id},
        "root_post": {"id": post.id, "owner_id": post.owner},
        "timestamp": meta_time(comment.created_at),
    }
    return "replies", {
        "app_id": CLIENT_ID,
        "topic": "moderate",
        "target_id": post.id,
        "time": int(comment.created_at),
        "subscription_id": "234567",
        "has_uid_field": False,
        "values": {"value": value, "field": "replies"},
    }
