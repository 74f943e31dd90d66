"""For those who watch X from outside: set it up, play its people, see what is live."""

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field, JsonValue

from sandbox.consent.watching import TokenWatching
from sandbox.paging import Newest
from sandbox.pulse import Most, Pulse, PulseOut, Since
from sandbox.staging import stage_all, stage_app
from sandbox.x.limits import POSTING, Limits
from sandbox.x.media import Media, Uploads
from sandbox.x.notifications import Address, Notifier
from sandbox.x.tweets import Tweet, Tweets
from sandbox.x.world import Person, World


class WebhookIn(BaseModel):
    """An address that hears of all users, as if it had been registered."""

    url: Annotated[str, Field(pattern=r"^https?://", max_length=200)]


class ReplyIn(BaseModel):
    """What somebody answers to a post."""

    person: str
    text: Annotated[str, Field(max_length=25_000)] = "Nice!"


class MediaOut(BaseModel):
    """What was uploaded; `segments` are the sizes of what came, by number."""

    id: str
    owner: str
    category: str
    mime: str
    total: int
    segments: dict[int, int]
    alt: str
    state: str
    used: bool


class TweetOut(BaseModel):
    """A post: as it was written, and as the API gives it back."""

    id: str
    author: str
    written: str
    text: str
    created_at: float
    deleted: bool
    answers: str
    media: list[MediaOut]
    body: dict[str, JsonValue]


class Watching:
    """The paths below /x/control."""

    def __init__(
        self,
        world: World,
        tweets: Tweets,
        uploads: Uploads,
        *,
        limits: Limits,
        notifier: Notifier,
        tokens: TokenWatching,
    ) -> None:
        self._world, self._tweets, self._uploads, self._limits = world, tweets, uploads, limits
        self._notifier, self._tokens = notifier, tokens

    def routes(self) -> APIRouter:
        """All paths of those who watch."""
        routes = APIRouter(prefix="/x/control")
        add = routes.add_api_route
        stage_app(routes, self._world)
        stage_all(routes, "/people", self._world.people, Person, lambda one: one.id)
        add("/posts", self.list_posts, methods=["GET"])
        add("/posts/{key}/replies", self.reply, methods=["POST"], status_code=201)
        add("/media", self.list_media, methods=["GET"])
        add("/calls", self.list_calls, methods=["GET"])
        add("/webhook", self.put_webhook, methods=["PUT"], status_code=204)
        self._tokens.add_to(routes)
        return routes

    async def list_posts(
        self, author: str | None = None, deleted: bool = False, limit: Newest = 100
    ) -> list[TweetOut]:
        """The posts, newest first, from the moment they were accepted; the deleted ones on demand."""
        wanted = (
            one for one in self._tweets.all() if author in {None, one.author.id} and (deleted or not one.deleted)
        )
        return [_post_out(one) for one in islice(wanted, limit)]

    async def reply(self, key: str, said: ReplyIn) -> dict[str, object]:
        """Somebody answers a post; the application hears of it."""
        tweet = next((one for one in self._tweets.all() if one.id == key and not one.deleted), None)
        person = self._world.people.get(said.person)
        if tweet is None or person is None:
            raise HTTPException(404, "There is no such post or person.")
        return self._notifier.tell_reply(tweet.id, tweet.author.id, tweet.conversation_id, person, said.text)

    async def list_media(self) -> list[MediaOut]:
        """What was uploaded, the oldest first."""
        return [_media_out(one) for one in self._uploads.all()]

    async def list_calls(self, endpoint: str = POSTING, since: Since = 0, limit: Most = 1000) -> PulseOut:
        """When an endpoint was called, the refused calls too."""
        return self._limits.pulses.get(endpoint, Pulse()).read(since=since, limit=limit)

    async def put_webhook(self, webhook: WebhookIn) -> None:
        """Send what happens there, without a challenge."""
        self._notifier.addresses.put("watched", Address("watched", webhook.url, True, 0.0, set()))


def _post_out(tweet: Tweet) -> TweetOut:
    return TweetOut.model_validate(
        {
            "id": tweet.id,
            "author": tweet.author.id,
            "written": tweet.written,
            "text": tweet.text,
            "created_at": tweet.created_at,
            "deleted": tweet.deleted,
            "answers": tweet.answers,
            "media": [_media_out(one) for one in tweet.media],
            "body": tweet.body,
        }
    )


def _media_out(media: Media) -> MediaOut:
    return MediaOut.model_validate(media, from_attributes=True)
