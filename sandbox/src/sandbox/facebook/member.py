from collections.abc import Sequence

from fastapi import APIRouter

from sandbox.facebook.pages import PagesApi
from sandbox.json import Object
from sandbox.meta.consent import Consent
from sandbox.meta.login import Login
from sandbox.meta.member import Endpoints, MetaMember
from sandbox.meta.published import Comment, Post

GRAPH = "/facebook/graph/{version}"


class Facebook(MetaMember):
    """Facebook: Login, pages and what they publish."""

    name = "facebook"
    about = "Facebook: Login, pages with posts, pictures, videos, reels and stories, comments and webhooks."
    doors: Sequence[str] = ("/facebook/www", "/facebook/graph", "/facebook/rupload")

    def __init__(self) -> None:
        super().__init__()
        self._pages = PagesApi(self._gate, self._world, self._published)
        self.router = self._routes()

    def reset(self) -> None:
        """As at the start: Ann with one page, no token, nothing published."""
        super().reset()
        self._pages.clear()

    def _routes(self) -> APIRouter:
        login, pages = Login(self._world, self._tokens, self._gate), self._pages
        consent = Consent(self._world, self._tokens, "Facebook")
        endpoints: Endpoints = (
            ("/facebook/www/{version}/dialog/oauth", consent.authorize, ["GET"]),
            ("/facebook/rupload/video-upload/{version}/{node}", pages.hand_over, ["POST"]),
            (f"{GRAPH}/oauth/access_token", login.access_token, ["GET", "POST"]),
            (f"{GRAPH}/me", login.me, ["GET"]),
            (f"{GRAPH}/me/accounts", login.accounts, ["GET"]),
            (f"{GRAPH}/{{node}}/feed", pages.feed, ["POST"]),
            (f"{GRAPH}/{{node}}/photos", pages.photos, ["POST"]),
            (f"{GRAPH}/{{node}}/videos", pages.videos, ["POST"]),
            (f"{GRAPH}/{{node}}/video_reels", pages.phased, ["POST"]),
            (f"{GRAPH}/{{node}}/video_stories", pages.phased, ["POST"]),
            (f"{GRAPH}/{{node}}/photo_stories", pages.photo_stories, ["POST"]),
            (f"{GRAPH}/{{node}}/published_posts", pages.lists, ["GET"]),
            (f"{GRAPH}/{{node}}/videos", pages.lists, ["GET"]),
            (f"{GRAPH}/{{node}}/video_reels", pages.lists, ["GET"]),
            (f"{GRAPH}/{{node}}/stories", pages.lists, ["GET"]),
            (f"{GRAPH}/{{node}}/comments", pages.comments, ["GET", "POST"]),
            (f"{GRAPH}/{{node}}/subscribed_apps", pages.subscribed_apps, ["GET", "POST", "DELETE"]),
            (f"{GRAPH}/{{node}}", pages.node, ["GET"]),
            (f"{GRAPH}/{{node}}", pages.delete, ["DELETE"]),
        )
        return self._routed(endpoints, _comment)


def _comment(post: Post, comment: Comment) -> tuple[str, Object]:
    value: Object = {
        "item": "comment",
        "verb": "add",
        "post_id": post.id,
        "comment_id": f"{post.id}_{comment.id}",
        "from": {"id": comment.author, "name": f"User {comment.author}"},
        "message": comment.text,
        "created_time": int(comment.created_at),
    }
    entry = {"id": post.owner, "time": int(comment.created_at), "changes": [{"field": "feed", "value": value}]}
    return "feed", {"object": "page", "entry": [entry]}
