"""The Content Posting API, the creator's list of videos, and who a creator is."""

import re
import time
from collections import deque

from starlette.requests import Request
from starlette.responses import Response

from sandbox.consent.page import bearer
from sandbox.consent.tokens import Tokens
from sandbox.doors import VISIBLE_AFTER
from sandbox.json import Object, object_at, read_object, text_at, value_at
from sandbox.pulling import Pulled, Puller
from sandbox.pulse import Pulse
from sandbox.refusals import json_answer
from sandbox.tiktok import errors
from sandbox.tiktok.posts import Posts, Publication, new_key, urls_of
from sandbox.tiktok.world import SELF_ONLY, Person, World

LONGEST_CAPTION, LONGEST_TITLE, LONGEST_DESCRIPTION = 2200, 90, 4000
SMALLEST_CHUNK, LARGEST_CHUNK, LARGEST_LAST = 5 * 1024 * 1024, 64 * 1024 * 1024, 128 * 1024 * 1024
LARGEST = 4 * 1024**3
MOST_PHOTOS = 35
UPLOAD_SECONDS = 3600
_RANGE = re.compile(r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12})")


class Api:
    """The paths of open.tiktokapis.com below /v2, and where chunks go."""

    def __init__(self, world: World, tokens: Tokens, posts: Posts, puller: Puller) -> None:
        self._world, self._tokens, self._posts, self._puller = world, tokens, posts, puller
        self._calls: dict[tuple[str, str], deque[float]] = {}
        self.pulses: dict[str, Pulse] = {}

    async def user_info(self, request: Request) -> Response:
        """Who the creator is; the fields that were asked for."""
        person = self._caller(request, "user.info", 600, "user.info.basic")
        everything: Object = {"open_id": person.id, "display_name": person.name, "username": person.username}
        wanted = set(request.query_params.get("fields", "").split(","))
        shown = {name: value for name, value in everything.items() if name in wanted}
        return json_answer(errors.ok({"user": shown}))

    async def creator_info(self, request: Request) -> Response:
        """What the creator may choose when posting."""
        person = self._caller(request, "creator_info", 20, "video.publish")
        self._refuse_banned(person)
        return json_answer(
            errors.ok(
                {
                    "creator_avatar_url": "https://p16.tiktokcdn.com/avatar",
                    "creator_username": person.username,
                    "creator_nickname": person.name,
                    "privacy_level_options": person.privacy_options,
                    "comment_disabled": person.comment_disabled,
                    "duet_disabled": person.duet_disabled,
                    "stitch_disabled": person.stitch_disabled,
                    "max_video_post_duration_sec": person.longest_video,
                }
            )
        )

    async def init_video(self, request: Request) -> Response:
        """Begin to post a film: to be sent in chunks, or to be fetched."""
        person, body = await self._posting(request)
        if len(text_at(body, "post_info", "title").encode("utf-16-le")) // 2 > LONGEST_CAPTION:
            raise errors.error("invalid_params", "title has at most 2200 characters")
        source = text_at(body, "source_info", "source")
        if source == "FILE_UPLOAD":
            return json_answer(errors.ok(self._awaiting(request, person, body)))
        if source != "PULL_FROM_URL" or not text_at(body, "source_info", "video_url"):
            raise errors.error("invalid_params", "source_info is wrong")
        return json_answer(errors.ok(self._pulled(request, person, "pub_url", body)))

    async def init_content(self, request: Request) -> Response:
        """Begin to post photos, which are always fetched."""
        person, body = await self._posting(request)
        urls = urls_of(body)
        cover = value_at(body, "source_info", "photo_cover_index")
        known = body.get("media_type") == "PHOTO" and body.get("post_mode") == "DIRECT_POST"
        pulled = text_at(body, "source_info", "source") == "PULL_FROM_URL"
        if not known or not pulled or not 1 <= len(urls) <= MOST_PHOTOS:
            raise errors.error("invalid_params", "media_type, post_mode or source_info is wrong")
        if not isinstance(cover, int) or not 0 <= cover < len(urls):
            raise errors.error("invalid_params", "photo_cover_index is wrong")
        too_long = len(text_at(body, "post_info", "title")) > LONGEST_TITLE
        if too_long or len(text_at(body, "post_info", "description")) > LONGEST_DESCRIPTION:
            raise errors.error("invalid_params", "title or description is too long")
        return json_answer(errors.ok(self._pulled(request, person, "photo", body)))

    async def upload(self, request: Request) -> Response:
        """Take a chunk; they come one after the other."""
        one = self._posts.by_upload(request.path_params["key"])
        if one is None or one.began_at + UPLOAD_SECONDS < time.time():
            return Response(b"", 403)
        content = await request.body()
        place = _RANGE.fullmatch(request.headers.get("content-range", ""))
        if place is None or int(place[3]) != one.total or int(place[2]) - int(place[1]) + 1 != len(content):
            return Response(b"", 400)
        if int(place[1]) > one.received or one.arrived_at is not None:
            return Response(b"", 416, _so_far(one))
        if int(place[2]) + 1 > one.received:
            one.received, one.chunks_received = int(place[2]) + 1, one.chunks_received + 1
        if one.received < one.total:
            return Response(b"", 206, _so_far(one))
        self._posts.arrived(one, self._world.app)
        return Response(b"", 201, _so_far(one))

    async def status(self, request: Request) -> Response:
        """How far a post is."""
        limit = self._world.app.status_per_minute
        person = self._caller(request, "status", limit, "video.publish", "video.upload")
        body = read_object(await request.body()) or {}
        return json_answer(errors.ok(self._posts.of(person, text_at(body, "publish_id")).out()))

    async def videos(self, request: Request) -> Response:
        """The creator's public videos, the newest first."""
        person = self._caller(request, "video.list", 600, "video.list")
        body = read_object(await request.body()) or {}
        most, cursor = body.get("max_count", 10), body.get("cursor")
        if not isinstance(most, int) or not 1 <= most <= 20:
            raise errors.error("invalid_params", "max_count must be between 1 and 20")
        before = cursor / 1000 if isinstance(cursor, int) and cursor > 0 else time.time() + 1
        found = self._posts.public_of(person, before)
        fields = set(request.query_params.get("fields", "").split(","))
        page = found[:most]
        told: Object = {"videos": [one.video(fields) for one in page], "has_more": len(found) > most}
        told["cursor"] = int(page[-1].began_at * 1000) if page else 0
        return json_answer(errors.ok(told))

    async def unknown(self, request: Request) -> Response:
        """What TikTok does not have."""
        raise errors.error("invalid_params", f"Unsupported path {request.url.path}")

    def clear(self) -> None:
        """Nobody has called yet."""
        self._calls.clear()
        self.pulses.clear()
        self._puller.reset()

    async def _posting(self, request: Request) -> tuple[Person, Object]:
        """Who begins to post what; refused where the creator, or the application, may not."""
        app = self._world.app
        person = self._caller(request, "init", app.posts_per_minute, "video.publish")
        body = read_object(await request.body())
        if body is None or not object_at(body, "post_info") or not object_at(body, "source_info"):
            raise errors.error("invalid_params")
        self._refuse_banned(person)
        privacy = text_at(body, "post_info", "privacy_level")
        if privacy not in person.privacy_options:
            raise errors.error("privacy_level_option_mismatch")
        if not app.audited and privacy != SELF_ONLY:
            raise errors.error("unaudited_client_can_only_post_to_private_accounts")
        prefixes = tuple(app.verified_prefixes)
        if prefixes and not all(url.startswith(prefixes) for url in urls_of(body)):
            raise errors.error("url_ownership_unverified")
        return person, body

    def _awaiting(self, request: Request, person: Person, body: Object) -> Object:
        size, chunk, count = (value_at(body, "source_info", name) for name in _SIZES)
        if not (isinstance(size, int) and isinstance(chunk, int) and isinstance(count, int)):
            raise errors.error("invalid_params", "video_size, chunk_size and total_chunk_count are needed")
        _refuse_wrong_chunks(size, chunk, count)
        one = self._added(request, person, "pub_file", body)
        one.upload_key, one.total, one.chunk, one.chunks = new_key(), size, chunk, count
        where = f"{request.url.scheme}://{request.url.netloc}/tiktok/upload/video/{one.upload_key}"
        return {"publish_id": one.id, "upload_url": where}

    def _pulled(self, request: Request, person: Person, kind: str, body: Object) -> Object:
        one = self._added(request, person, kind, body)

        def then(found: list[Pulled]) -> None:
            one.received = sum(each.size or 0 for each in found)
            one.pulled = [each.url for each in found]
            if any(each.size is None for each in found):
                one.reason = "photo_pull_failed" if kind == "photo" else "video_pull_failed"
            else:
                self._posts.arrived(one, self._world.app)

        self._puller.fetch(urls_of(body), then)
        return {"publish_id": one.id}

    def _added(self, request: Request, person: Person, kind: str, body: Object) -> Publication:
        visible_after = request.scope.get(VISIBLE_AFTER, 0.0)
        return self._posts.add(person, kind, body, self._world.app, visible_after=visible_after)

    def _refuse_banned(self, person: Person) -> None:
        if person.banned:
            raise errors.error("spam_risk_user_banned_from_posting")

    def _caller(self, request: Request, what: str, per_minute: int, *scopes: str) -> Person:
        """Whose call it is, with one of these scopes, within the limit of a minute for each token."""
        token = self._tokens.holder(bearer(request))
        person = None if token is None or token.state != "live" else self._world.people.get(token.grant.person_id)
        if token is None or person is None:
            raise errors.error("access_token_invalid")
        if not set(scopes) & set(token.grant.scopes):
            raise errors.error("scope_not_authorized")
        now = time.time()
        self.pulses.setdefault(what, Pulse()).beat(now)
        times = self._calls.setdefault((what, token.value), deque(maxlen=1000))
        while times and times[0] <= now - 60:
            times.popleft()
        if len(times) >= per_minute:
            raise errors.error("rate_limit_exceeded")
        times.append(now)
        return person


_SIZES = ("video_size", "chunk_size", "total_chunk_count")


def _refuse_wrong_chunks(size: int, chunk: int, count: int) -> None:
    """Refuse what is not cut as TikTok wants it: 5 to 64 MB each, the rest with the last one."""
    whole = size < SMALLEST_CHUNK and chunk == size and count == 1
    fits = SMALLEST_CHUNK <= chunk <= LARGEST_CHUNK and count == max(1, size // chunk)
    last = size - chunk * (count - 1)
    if not 0 < size <= LARGEST or not (whole or (fits and last <= LARGEST_LAST and count <= 1000)):
        raise errors.error("invalid_params", "The chunk size or the number of chunks is invalid")


def _so_far(one: Publication) -> dict[str, str]:
    return {"content-range": f"bytes 0-{max(0, one.received - 1)}/{one.total}"}
