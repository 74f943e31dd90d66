"""Containers, as Instagram and Threads have them: made, processed, published once, gone after a day."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from sandbox.doors import VISIBLE_AFTER
from sandbox.json import Object, write
from sandbox.meta.files import Files, Kind
from sandbox.meta.gate import Gate
from sandbox.meta.paging import only, page
from sandbox.meta.published import Comment, Post, Published, meta_time, new_number
from sandbox.meta.refusals import Refusal, no_object, refuse, wrong_parameter
from sandbox.meta.tokens import Token
from sandbox.meta.world import World
from sandbox.shelf import Shelf

KEPT = 20_000
WORDS = {
    2207004: (36000, "The image size is too large."),
    2207005: (36001, "The image format is not supported."),
    2207026: (352, "The video format is not supported."),
    2207052: (9004, "The media could not be fetched from this uri."),
}


@dataclass(frozen=True, slots=True)
class Names:
    """What one of the two calls things."""

    platform: str
    text: str
    status: str
    why: str
    quota: int
    address: str


INSTAGRAM = Names("Instagram", "caption", "status_code", "status", 50, "https://www.instagram.com/p/{}/")
THREADS = Names("Threads", "text", "status", "error_message", 250, "https://www.threads.net/@example/post/{}")


@dataclass(slots=True)
class Container:
    """One container; `failure` is why it cannot be published, `published` the post that it has become."""

    id: str
    owner: str
    params: Mapping[str, str]
    children: tuple[str, ...] = ()
    made_at: float = field(default_factory=time.time)
    ready_at: float = 0.0
    fetching: bool = False
    failure: str = ""
    published: str = ""


class ContainersApi:
    """The edges of accounts and the nodes of containers and posts."""

    def __init__(self, gate: Gate, world: World, published: Published, names: Names, owners: "Owners") -> None:
        self._gate, self._world, self._published, self._names = gate, world, published, names
        self._owners = owners
        self._files = Files()
        self._containers: Shelf[str, Container] = Shelf(most=KEPT)
        self._tasks: set[asyncio.Task[None]] = set()

    async def make(self, request: Request) -> Response:
        """Make a container: pictures are fetched at once, videos while it is processed."""
        owner, params = await self._owner(request)
        children = tuple(filter(None, params.get("children", "").split(",")))
        for child in children:
            self._of(child, owner)
        if children and not 2 <= len(children) <= (10 if self._names is INSTAGRAM else 20):
            raise refuse(100, "Invalid number of carousel items", subcode=2207028)
        if unready := [each for each in children if self._state(self._of(each, owner)) != "FINISHED"]:
            raise refuse(9007, f"Media {unready[0]} is not ready", subcode=2207027)
        self._check_text(params.get(self._names.text, ""))
        container = Container(new_number("178"), owner, params, children)
        await self._take(container)
        self._containers.put(container.id, container)
        return _json({"id": container.id})

    async def publish(self, request: Request) -> Response:
        """Publish a container, once."""
        owner, params = await self._owner(request)
        container = self._of(params.get("creation_id", ""), owner)
        state = self._state(container)
        if state == "PUBLISHED":
            raise refuse(24, "The requested resource does not exist", subcode=2207006)
        if state != "FINISHED":
            code = (24, 2207008) if state == "EXPIRED" else (9007, 2207027)
            raise refuse(code[0], "The media is not ready for publishing, please wait for a moment", subcode=code[1])
        if self._published.used(owner) >= self._quota():
            raise refuse(9, "Application request limit reached", subcode=2207042)
        post = Post(
            id=new_number("180"),
            owner=owner,
            text=container.params.get(self._names.text, ""),
            kind=self._kind(container),
            body={"children": len(container.children), "params": dict(container.params)},
            readable_at=time.time() + request.scope.get(VISIBLE_AFTER, 0.0),
            reply_to=container.params.get("reply_to_id", ""),
        )
        container.published = self._published.add(post).id
        return _json({"id": post.id})

    async def lists(self, request: Request) -> Response:
        """What an account has published, newest first: posts, stories or replies."""
        owner, _ = await self._owner(request)
        edge = request.url.path.rsplit("/", 1)[1]

        def wanted(post: Post) -> bool:
            kinds = {"stories": post.kind == "STORIES", "replies": bool(post.reply_to)}
            plain = post.kind != "STORIES" and not post.reply_to
            return post.owner == owner and kinds.get(edge, plain)

        return _json(page(request, [self._post(post) for post in self._published.newest(wanted)]))

    async def limit(self, request: Request) -> Response:
        """What an account may publish, and has published."""
        owner, _ = await self._owner(request)
        config = {"quota_total": self._quota(), "quota_duration": 86_400}
        return _json({"data": [{"config": config, "quota_usage": self._published.used(owner)}]})

    async def node(self, request: Request) -> Response:
        """A container, or a post."""
        token, _ = await self._gate.enter(request)
        node = request.path_params["node"]
        container, post = self._containers.get(node), self._published.posts.get(node)
        if container is not None and self._owners.may(token, container.owner):
            return _json(only(request, self._shown(container)))
        if post is not None and post.readable and self._owners.may(token, post.owner):
            return _json(only(request, self._post(post)))
        raise no_object("get", node)

    async def delete(self, request: Request) -> Response:
        """Take a post down."""
        token, _ = await self._gate.enter(request)
        post = self._published.posts.get(request.path_params["node"])
        if post is None or post.deleted or not self._owners.may(token, post.owner):
            raise no_object("delete", request.path_params["node"])
        post.deleted = True
        return _json({"success": True, "deleted_id": post.id})

    async def comments(self, request: Request) -> Response:
        """The comments below a post, newest first; or one more."""
        token, params = await self._gate.enter(request)
        post = self._published.posts.get(request.path_params["node"])
        if post is None or post.deleted or not self._owners.may(token, post.owner):
            raise no_object(request.method, request.path_params["node"])
        if request.method == "POST":
            if not params.get("message", "").strip():
                raise wrong_parameter("The parameter message is required.")
            comment = Comment(new_number("179"), post.id, post.owner, params["message"])
            self._published.comments.put(comment.id, comment)
            return _json({"id": comment.id})
        shown: list[Object] = [
            {"id": one.id, "text": one.text, "timestamp": meta_time(one.created_at)}
            for one in self._published.below(post.id)
        ]
        return _json(page(request, shown))

    def clear(self) -> None:
        """Forget all containers."""
        for task in self._tasks:
            task.cancel()
        self._containers.clear()

    async def _owner(self, request: Request) -> tuple[str, dict[str, str]]:
        token, params = await self._gate.enter(request)
        owner = self._owners.named(token, request.path_params["node"])
        if owner is None:
            raise no_object(request.method, request.path_params["node"])
        return owner, params

    def _of(self, container_id: str, owner: str) -> Container:
        found = self._containers.get(container_id)
        if found is None or found.owner != owner:
            raise refuse(24, "The requested resource does not exist", subcode=2207006)
        return found

    async def _take(self, container: Container) -> None:
        app, params = self._world.app, container.params
        container.ready_at = time.time() + app.processing_seconds
        if image := params.get("image_url"):
            found = await self._files.fetch(image, "image", app)
            if found.trouble:
                raise _file_refused(found.trouble)
        elif video := params.get("video_url"):
            container.fetching = True
            task = asyncio.get_running_loop().create_task(self._fetch(container, video, "video"))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif self._names is INSTAGRAM and not container.children:
            raise refuse(100, "The parameter image_url is required", subcode=2207023)
        elif not params.get(self._names.text) and not container.children:
            raise wrong_parameter("The parameter text is required.")

    async def _fetch(self, container: Container, url: str, kind: Kind) -> None:
        found = await self._files.fetch(url, kind, self._world.app)
        trouble = str(found.trouble or "") or self._world.app.processing_fails
        if trouble and self._names is THREADS and trouble.isdigit():
            trouble = "FAILED_DOWNLOADING_VIDEO" if trouble == "2207052" else "FAILED_PROCESSING_VIDEO"
        container.failure = trouble
        container.fetching = False

    def _state(self, container: Container) -> str:
        if container.published:
            return "PUBLISHED"
        if time.time() - container.made_at > self._world.app.container_seconds:
            return "EXPIRED"
        if container.fetching or time.time() < container.ready_at:
            return "IN_PROGRESS"
        return "ERROR" if container.failure else "FINISHED"

    def _shown(self, container: Container) -> Object:
        state, names = self._state(container), self._names
        if names is INSTAGRAM:
            why = f"Error: Media upload has failed with error code {container.failure}"
            status = why if state == "ERROR" else f"{state.title()}: Media is {state.lower()}."
            return {"id": container.id, "status_code": state, "status": status}
        shown: Object = {"id": container.id, "status": state}
        return shown | ({"error_message": container.failure} if state == "ERROR" else {})

    def _kind(self, container: Container) -> str:
        if container.children:
            return "CAROUSEL_ALBUM"
        given = container.params.get("media_type", "")
        return given or ("IMAGE" if container.params.get("image_url") else "TEXT")

    def _post(self, post: Post) -> Object:
        return {
            "id": post.id,
            self._names.text: post.text,
            "media_type": post.kind,
            "timestamp": meta_time(post.created_at),
            "permalink": self._names.address.format(post.id),
        }

    def _quota(self) -> int:
        given = self._world.app.quota_total
        return self._names.quota if given is None else given

    def _check_text(self, text: str) -> None:
        if self._names is INSTAGRAM and len(text) > 2200:
            raise refuse(36004, "The caption was too long.", subcode=2207010)
        if self._names is THREADS and len(text) > 500:
            raise wrong_parameter("Param text must be at most 500 characters long.")


class Owners:
    """Whose account a token opens, by the id in the path."""

    def __init__(self, world: World, *, profiles: bool) -> None:
        self._world, self._profiles = world, profiles

    def named(self, token: Token, node: str) -> str | None:
        """The account that the path means, if the token opens it."""
        if self._profiles:
            return token.person_id if node in ("me", token.person_id) else None
        return node if self.may(token, node) else None

    def may(self, token: Token, owner: str) -> bool:
        """Whether the token opens this account."""
        if self._profiles:
            return token.person_id == owner
        pages = self._world.pages_of(token.person_id)
        return any(page.instagram is not None and page.instagram.id == owner for page in pages)


def _file_refused(trouble: int) -> Refusal:
    code, words = WORDS[trouble]
    return refuse(code, words, subcode=trouble, user=words)


def _json(document: Object) -> Response:
    return Response(write(document), media_type="application/json; charset=UTF-8")
