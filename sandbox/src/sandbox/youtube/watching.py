"""For those who watch YouTube from outside: set it up, see what is there."""

from itertools import islice

from fastapi import APIRouter
from pydantic import BaseModel, JsonValue

from sandbox.consent.watching import TokenWatching
from sandbox.paging import Newest
from sandbox.pulse import Most, Pulse, PulseOut, Since
from sandbox.staging import stage_all, stage_app
from sandbox.youtube.quota import UPLOADING, Quota
from sandbox.youtube.uploads import Uploads
from sandbox.youtube.videos import Video, Videos
from sandbox.youtube.world import Person, World


class VideoOut(BaseModel):
    """A film as it is."""

    id: str
    channel: str
    title: str
    description: str
    privacy: str
    state: str
    size: int
    thumbnail: int
    uploaded_at: float
    deleted: bool
    comments: list[dict[str, JsonValue]]
    body: dict[str, JsonValue]


class QuotaOut(BaseModel):
    """What the project has used today."""

    units: int
    uploads: int
    calls: dict[str, int]


class Watching:
    """The paths below /youtube/control."""

    def __init__(
        self, world: World, videos: Videos, uploads: Uploads, *, quota: Quota, tokens: TokenWatching
    ) -> None:
        self._world, self._videos, self._uploads = world, videos, uploads
        self._quota, self._tokens = quota, tokens

    def routes(self) -> APIRouter:
        """All paths of those who watch."""
        routes = APIRouter(prefix="/youtube/control")
        add = routes.add_api_route
        stage_app(routes, self._world)
        stage_all(routes, "/people", self._world.people, Person, lambda one: one.id)
        add("/videos", self.list_videos, methods=["GET"])
        add("/uploads/forget", self.forget_uploads, methods=["POST"], status_code=204)
        add("/quota", self.read_quota, methods=["GET"])
        add("/calls", self.list_calls, methods=["GET"])
        self._tokens.add_to(routes)
        return routes

    async def list_videos(
        self, channel: str | None = None, deleted: bool = False, limit: Newest = 100
    ) -> list[VideoOut]:
        """The films, newest first, from the moment they arrived; the deleted ones on demand."""
        wanted = (
            one for one in self._videos.all() if channel in {None, one.owner.channel} and (deleted or not one.deleted)
        )
        return [_out(one) for one in islice(wanted, limit)]

    async def forget_uploads(self) -> None:
        """All uploads on their way are gone, as if their sessions had ended."""
        self._uploads.clear()

    async def read_quota(self) -> QuotaOut:
        """What the project has used today, which ends at midnight Pacific time."""
        return QuotaOut(units=self._quota.units, uploads=self._quota.uploads, calls=dict(self._quota.calls))

    async def list_calls(self, method: str = UPLOADING, since: Since = 0, limit: Most = 1000) -> PulseOut:
        """When calls of a method came, the refused ones too."""
        return self._quota.pulses.get(method, Pulse()).read(since=since, limit=limit)


def _out(video: Video) -> VideoOut:
    snippet = video.snippet()
    return VideoOut.model_validate(
        {
            "id": video.id,
            "channel": video.owner.channel or "",
            "title": snippet["title"],
            "description": snippet["description"],
            "privacy": video.privacy,
            "state": video.state,
            "size": video.size,
            "thumbnail": video.thumbnail,
            "uploaded_at": video.uploaded_at,
            "deleted": video.deleted,
            "comments": video.comments,
            "body": video.body,
        }
    )
