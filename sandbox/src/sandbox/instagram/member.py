from collections.abc import Sequence

from fastapi import APIRouter

from sandbox.json import Object
from sandbox.meta.consent import Consent
from sandbox.meta.containers import INSTAGRAM, ContainersApi, Owners
from sandbox.meta.login import Login
from sandbox.meta.member import Endpoints, MetaMember
from sandbox.meta.published import Comment, Post

GRAPH = "/instagram/graph/{version}"


class Instagram(MetaMember):
    """Instagram by Facebook Login: professional accounts that publish by containers."""

    name = "instagram"
    about = "Instagram by Facebook Login: containers, reels, stories, carousels, comments and webhooks."
    doors: Sequence[str] = ("/instagram/www", "/instagram/graph")

    def __init__(self) -> None:
        super().__init__()
        owners = Owners(self._world, profiles=False)
        self._containers = ContainersApi(self._gate, self._world, self._published, INSTAGRAM, owners)
        self.router = self._routes()

    def reset(self) -> None:
        """As at the start: Ann with one account, no token, nothing published."""
        super().reset()
        self._containers.clear()

    def _routes(self) -> APIRouter:
        login, containers = Login(self._world, self._tokens, self._gate), self._containers
        consent = Consent(self._world, self._tokens, "Instagram")
        endpoints: Endpoints = (
            ("/instagram/www/{version}/dialog/oauth", consent.authorize, ["GET"]),
            (f"{GRAPH}/oauth/access_token", login.access_token, ["GET", "POST"]),
            (f"{GRAPH}/me", login.me, ["GET"]),
            (f"{GRAPH}/me/accounts", login.accounts, ["GET"]),
            (f"{GRAPH}/{{node}}/media", containers.make, ["POST"]),
            (f"{GRAPH}/{{node}}/media", containers.lists, ["GET"]),
            (f"{GRAPH}/{{node}}/stories", containers.lists, ["GET"]),
            (f"{GRAPH}/{{node}}/media_publish", containers.publish, ["POST"]),
            (f"{GRAPH}/{{node}}/content_publishing_limit", containers.limit, ["GET"]),
            (f"{GRAPH}/me/subscribed_apps", login.subscribed_apps, ["POST", "DELETE"]),
            (f"{GRAPH}/{{node}}/comments", containers.comments, ["GET", "POST"]),
            (f"{GRAPH}/{{node}}", containers.node, ["GET"]),
        )
        return self._routed(endpoints, _comment)


def _comment(post: Post, comment: Comment) -> tuple[str, Object]:
    value: Object = {
        "id": comment.id,
        "text": comment.text,
        "from": {"id": comment.author, "username": f"user{comment.author}"},
        "media": {"id": post.id, "media_product_type": "FEED"},
    }
    entry = {"id": post.owner, "time": int(comment.created_at), "changes": [{"field": "comments", "value": value}]}
    return "comments", {"object": "instagram", "entry": [entry]}
