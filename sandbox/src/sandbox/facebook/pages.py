"""What pages of Facebook publish: posts, pictures, videos, reels, stories; comments below them."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.doors import VISIBLE_AFTER
from sandbox.json import Object, write
from sandbox.meta.files import Files
from sandbox.meta.gate import Gate
from sandbox.meta.paging import only, page
from sandbox.meta.published import Comment, Post, Published, meta_time, new_number
from sandbox.meta.refusals import no_object, refuse, wrong_parameter
from sandbox.meta.tokens import Token
from sandbox.meta.world import World
from sandbox.shelf import Shelf

KEPT = 20_000


@dataclass(slots=True)
class Photo:
    """A picture that was uploaded; shown only once it is part of a post."""

    id: str
    page_id: str


@dataclass(slots=True)
class Video:
    """A video on its way. `becomes` is what it is to be; a reel or story waits until it is finished by a call."""

    id: str
    page_id: str
    becomes: str
    text: str = ""
    address: str = ""
    ready_at: float = 0.0
    fetched: bool = False
    finished: bool = False
    failure: str = ""
    post_id: str = ""
    hidden_for: float = 0.0
    made_at: float = field(default_factory=time.time)


class PagesApi:
    """The edges of pages, and the nodes that they hold."""

    def __init__(self, gate: Gate, world: World, published: Published) -> None:
        self._gate, self._world, self._published = gate, world, published
        self._files = Files()
        self._photos: Shelf[str, Photo] = Shelf(most=KEPT)
        self._videos: Shelf[str, Video] = Shelf(most=KEPT)
        self._subscribed: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def feed(self, request: Request) -> Response:
        """Publish a text, with a link or pictures that were uploaded before."""
        page_id, params = await self._page(request)
        attached = [each.get("media_fbid", "") for each in _list(params.get("attached_media", ""))]
        for photo_id in attached:
            self._photo(photo_id, page_id)
        if not any((params.get("message", "").strip(), params.get("link"), attached)):
            raise wrong_parameter("The post is empty. Please enter a message to share.")
        kind = "photos" if attached else "status"
        post = self._publish(request, page_id, params.get("message", ""), kind, {"params": dict(params)})
        return _json({"id": post.id})

    async def photos(self, request: Request) -> Response:
        """Upload a picture from its address; it is published at once unless that is refused."""
        page_id, params = await self._page(request)
        found = await self._files.fetch(params.get("url", ""), "image", self._world.app)
        if found.trouble:
            codes = {2207052: (324, 2069019), 2207004: (1, 1366046), 2207005: (1, 1366046)}
            code, subcode = codes.get(found.trouble, (324, 2069019))
            words = "Your photos couldn't be uploaded. Photos should be less than 4 MB and saved as JPG or PNG."
            raise refuse(code, "Missing or invalid image file", subcode=subcode, user=words)
        photo = Photo(new_number("30"), page_id)
        self._photos.put(photo.id, photo)
        if params.get("published", "true") == "false":
            return _json({"id": photo.id})
        text = params.get("message") or params.get("caption", "")
        post = self._publish(request, page_id, text, "photos", {"params": dict(params)})
        return _json({"id": photo.id, "post_id": post.id})

    async def videos(self, request: Request) -> Response:
        """Upload a video from its address; it is published by itself once it was processed."""
        page_id, params = await self._page(request)
        if not params.get("file_url"):
            raise wrong_parameter("The parameter file_url is required.")
        video = self._new(page_id, "video", params.get("description", ""))
        video.hidden_for = request.scope.get(VISIBLE_AFTER, 0.0)
        video.finished = True
        self._fetch(video, params["file_url"])
        return _json({"id": video.id})

    async def phased(self, request: Request) -> Response:
        """Begin or finish a reel or a video story."""
        page_id, params = await self._page(request)
        becomes = "reel" if request.url.path.endswith("video_reels") else "story"
        if params.get("upload_phase") == "start":
            video = self._new(page_id, becomes, "")
            address = f"{str(request.base_url).rstrip('/')}/facebook/rupload/video-upload/v23.0/{video.id}"
            return _json({"video_id": video.id, "upload_url": address})
        found = self._videos.get(params.get("video_id", ""))
        if params.get("upload_phase") != "finish" or found is None or found.page_id != page_id:
            raise wrong_parameter("upload_phase must be start or finish, with the video_id that start gave.")
        if not found.fetched or found.failure:
            raise refuse(6000, "There was a problem uploading your video file.", subcode=1363041)
        if not found.finished:
            found.text, found.finished = params.get("description", ""), True
            found.hidden_for = request.scope.get(VISIBLE_AFTER, 0.0)
            found.ready_at = time.time() + self._world.app.processing_seconds
        return _json({"success": True, "post_id": found.id})

    async def hand_over(self, request: Request) -> Response:
        """Take a video that was begun, from the address in the header `file_url`."""
        token, _ = await self._gate.enter(request)
        video = self._videos.get(request.path_params["node"])
        if video is None or not self._may(token, video.page_id):
            raise no_object("post", request.path_params["node"])
        self._fetch(video, request.headers.get("file_url", ""))
        return _json({"success": True})

    async def photo_stories(self, request: Request) -> Response:
        """Publish an uploaded picture as a story."""
        page_id, params = await self._page(request)
        self._photo(params.get("photo_id", ""), page_id)
        post = self._publish(request, page_id, "", "story", {"params": dict(params)})
        return _json({"success": True, "post_id": post.id})

    async def lists(self, request: Request) -> Response:
        """What a page has published, newest first: posts, videos and reels, or stories."""
        page_id, _ = await self._page(request)
        self._settle()
        edge = request.url.path.rsplit("/", 1)[1]
        wanted = {"videos": ("video", "reel"), "video_reels": ("reel",), "stories": ("story",)}
        kinds = wanted.get(edge, ("status", "photos", "video", "reel"))
        found = self._published.newest(lambda one: one.owner == page_id and one.kind in kinds)
        return _json(page(request, [_post(one) for one in found]))

    async def node(self, request: Request) -> Response:
        """A post, or a video."""
        token, _ = await self._gate.enter(request)
        self._settle()
        node = request.path_params["node"]
        video, post = self._videos.get(node), self._published.posts.get(node)
        if video is not None and self._may(token, video.page_id):
            return _json(only(request, self._shown(video)))
        if post is not None and post.readable and self._may(token, post.owner):
            return _json(only(request, _post(post)))
        raise no_object("get", node)

    async def delete(self, request: Request) -> Response:
        """Take a post down."""
        token, _ = await self._gate.enter(request)
        post = self._published.posts.get(request.path_params["node"])
        if post is None or post.deleted or not self._may(token, post.owner):
            raise no_object("delete", request.path_params["node"])
        post.deleted = True
        return _json({"success": True})

    async def comments(self, request: Request) -> Response:
        """The comments below a post, newest first; or one more."""
        token, params = await self._gate.enter(request)
        post = self._published.posts.get(request.path_params["node"])
        if post is None or post.deleted or not self._may(token, post.owner):
            raise no_object(request.method, request.path_params["node"])
        if request.method == "POST":
            if not params.get("message", "").strip():
                raise wrong_parameter("The parameter message is required.")
            comment = Comment(f"{post.id}_{new_number('9')}", post.id, post.owner, params["message"])
            self._published.comments.put(comment.id, comment)
            return _json({"id": comment.id})
        shown: list[Object] = [
            {"id": one.id, "message": one.text, "created_time": meta_time(one.created_at)}
            for one in self._published.below(post.id)
        ]
        return _json(page(request, shown))

    async def subscribed_apps(self, request: Request) -> Response:
        """Let a page's webhooks come to the application, or not, or see whether they do."""
        page_id, _ = await self._page(request)
        if request.method == "GET":
            return _json({"data": [{"id": "400000000000001"}] if page_id in self._subscribed else []})
        (self._subscribed.add if request.method == "POST" else self._subscribed.discard)(page_id)
        return _json({"success": True})

    def settle(self) -> None:
        """Let what has been processed become public."""
        self._settle()

    def clear(self) -> None:
        """Forget all uploads."""
        for task in self._tasks:
            task.cancel()
        self._photos.clear()
        self._videos.clear()
        self._subscribed.clear()

    async def _page(self, request: Request) -> tuple[str, dict[str, str]]:
        token, params = await self._gate.enter(request)
        page_id = request.path_params["node"]
        if not self._may(token, page_id):
            raise no_object(request.method, page_id)
        if request.method == "POST" and token.page_id != page_id:
            raise refuse(200, "This endpoint needs a page access token.", status=403)
        return page_id, params

    def _may(self, token: Token, page_id: str) -> bool:
        return any(each.id == page_id for each in self._world.pages_of(token.person_id))

    def _photo(self, photo_id: str, page_id: str) -> Photo:
        found = self._photos.get(photo_id)
        if found is None or found.page_id != page_id:
            raise refuse(100, "Invalid attached media", subcode=1366046)
        return found

    def _publish(self, request: Request, page_id: str, text: str, kind: str, body: Object) -> Post:
        app = self._world.app
        if app.quota_total is not None and self._published.used(page_id) >= app.quota_total:
            raise refuse(341, "Feed action request limit reached")
        if kind != "story" and self._said(page_id, text, kind, app.duplicate_seconds):
            raise refuse(506, "Duplicate status message")
        hidden = request.scope.get(VISIBLE_AFTER, 0.0)
        return self._add(page_id, text, kind, body, hidden)

    def _add(self, page_id: str, text: str, kind: str, body: Object, hidden: float) -> Post:
        post_id = f"{page_id}_{new_number('12')}"
        return self._published.add(Post(post_id, page_id, text, kind, body, readable_at=time.time() + hidden))

    def _said(self, page_id: str, text: str, kind: str, seconds: float) -> bool:
        since = time.time() - seconds
        return bool(text) and any(
            one.owner == page_id and one.text == text and one.kind == kind and one.created_at > since
            for one in self._published.posts.all()
        )

    def _new(self, page_id: str, becomes: str, text: str) -> Video:
        video = Video(new_number("25"), page_id, becomes, text)
        video.ready_at = time.time() + self._world.app.processing_seconds
        self._videos.put(video.id, video)
        return video

    def _fetch(self, video: Video, url: str) -> None:
        async def fetch() -> None:
            found = await self._files.fetch(url, "video", self._world.app)
            trouble = "The video file could not be read." if found.trouble else self._world.app.processing_fails
            video.failure, video.fetched = trouble, True

        task = asyncio.get_running_loop().create_task(fetch())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _settle(self) -> None:
        for video in self._videos.all(lambda one: not one.post_id and one.fetched and one.finished):
            if not video.failure and time.time() >= video.ready_at:
                post = self._add(video.page_id, video.text, video.becomes, {"video": video.id}, video.hidden_for)
                video.post_id = post.id

    def _shown(self, video: Video) -> Object:
        live = bool(video.post_id)
        status: Object = {
            "video_status": "error" if video.failure else "ready" if live else "processing",
            "uploading_phase": {"status": "complete" if video.fetched else "in_progress"},
            "processing_phase": {"status": "complete" if live else "not_started"},
            "publishing_phase": {"status": "complete" if live else "not_started"},
        }
        if video.failure:
            status["processing_phase"] = {"status": "error", "errors": [{"code": 1363019, "message": video.failure}]}
        shown: Object = {"id": video.id, "status": status, "description": video.text}
        if live:
            shown |= {"post_id": video.post_id, "permalink_url": f"/{video.page_id}/videos/{video.id}/"}
        return shown


def _post(post: Post) -> Object:
    return {
        "id": post.id,
        "post_id": post.id,
        "message": post.text,
        "description": post.text,
        "created_time": meta_time(post.created_at),
        "creation_time": str(int(post.created_at)),
        "permalink_url": f"https://www.facebook.com/{post.id}",
    }


def _list(text: str) -> Sequence[dict[str, str]]:
    try:
        found = orjson.loads(text or "[]")
    except orjson.JSONDecodeError as broken:
        raise wrong_parameter("Param attached_media must be a list.") from broken
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise wrong_parameter("Param attached_media must be a list.")
    return found


def _json(document: Object) -> Response:
    return Response(write(document), media_type="application/json; charset=UTF-8")
