"""Channels, films, playlists and comments of the YouTube Data API."""

import itertools
import time

from starlette.requests import Request
from starlette.responses import Response

from sandbox.json import Object, text_at, value_at
from sandbox.refusals import json_answer
from sandbox.youtube import errors
from sandbox.youtube.gate import Gate, read_body
from sandbox.youtube.videos import Videos
from sandbox.youtube.world import FORCE_SSL, MANAGE, READ, Person

LONGEST_COMMENT = 10_000
_numbers = itertools.count(int(time.time() * 1000))


class Api:
    """The paths below /youtube/v3."""

    def __init__(self, gate: Gate, videos: Videos) -> None:
        self._gate, self._videos = gate, videos

    async def channels(self, request: Request) -> Response:
        """One's own channel; none is an empty list."""
        person = self._gate.enter(request, "channels.list", READ, MANAGE, FORCE_SSL)
        if request.query_params.get("mine") != "true":
            raise errors.bad("missingRequiredParameter", "No filter selected. Expected one of: mine")
        items: list[object] = [_channel(person)] if person.channel else []
        return json_answer(_listed("youtube#channelListResponse", items))

    async def videos(self, request: Request) -> Response:
        """Films by their ids, or the removal of one."""
        keys = request.query_params.get("id", "").split(",")
        if request.method == "DELETE":
            person = self._gate.enter(request, "videos.delete", MANAGE, FORCE_SSL)
            self._videos.of(person, keys[0]).deleted = True
            return Response(b"", 204)
        person = self._gate.enter(request, "videos.list", READ, MANAGE, FORCE_SSL)
        parts = set(request.query_params.get("part", "").split(","))
        if not keys[0] or len(keys) > 50:
            raise errors.bad("missingRequiredParameter", "No filter selected. Expected one of: id")
        found = [self._videos.seen_by(person, key) for key in keys]
        return json_answer(_listed("youtube#videoListResponse", [one.out(parts) for one in found if one]))

    async def playlist_items(self, request: Request) -> Response:
        """What a channel has uploaded, newest first; only one's own, also what is private."""
        person = self._gate.enter(request, "playlistItems.list", READ, MANAGE, FORCE_SSL)
        asked = request.query_params
        if not person.channel or asked.get("playlistId") != person.uploads:
            raise errors.error(404, "playlistNotFound", "The playlist cannot be found.", "youtube.playlistItem")
        most, begin = _whole(asked.get("maxResults", "5"), 5), _whole(asked.get("pageToken", "0"), 0)
        if not 1 <= most <= 50:
            raise errors.bad("invalidParameter", "maxResults must be between 1 and 50")
        found = self._videos.by(person.uploads)
        page: list[object] = [one.item(begin + at) for at, one in enumerate(found[begin : begin + most])]
        body = _listed("youtube#playlistItemListResponse", page, total=len(found))
        if begin + most < len(found):
            body["nextPageToken"] = str(begin + most)
        return json_answer(body)

    async def comment(self, request: Request) -> Response:
        """Begin a thread of comments below a film."""
        person = self._gate.enter(request, "commentThreads.insert", FORCE_SSL)
        body = await read_body(request)
        text = text_at(body, "snippet", "topLevelComment", "snippet", "textOriginal")
        if not text.strip() or len(text) > LONGEST_COMMENT:
            raise errors.bad(
                "commentTextRequired" if not text.strip() else "commentTextTooLong", "Wrong comment text."
            )
        video = self._videos.seen_by(person, text_at(body, "snippet", "videoId"))
        if video is None:
            raise errors.not_found("videoNotFound", "video")
        if value_at(video.body, "status", "selfDeclaredMadeForKids") or video.state != "processed":
            raise errors.error(403, "commentsDisabled", "The video has disabled comments.", "youtube.commentThread")
        key = f"Ug{next(_numbers)}AaABAg"
        video.comments.append({"id": key, "author": person.channel, "text": text})
        del video.comments[:-100]
        comment: Object = {"id": key, "snippet": {"textOriginal": text, "videoId": video.id}}
        snippet: Object = {"videoId": video.id, "topLevelComment": comment, "isPublic": True}
        return json_answer({"kind": "youtube#commentThread", "id": key, "snippet": snippet})

    async def unknown(self, request: Request) -> Response:
        """What the API does not have."""
        raise errors.error(404, "notFound", f"There is nothing at {request.url.path}", "global")


def _channel(person: Person) -> Object:
    return {
        "kind": "youtube#channel",
        "id": person.channel,
        "snippet": {"title": person.title, "customUrl": "@examplebakery"},
        "contentDetails": {"relatedPlaylists": {"uploads": person.uploads}},
    }


def _listed(kind: str, items: list[Object] | list[object], total: int | None = None) -> Object:
    shown = len(items)
    return {"kind": kind, "items": items, "pageInfo": {"totalResults": total or shown, "resultsPerPage": shown}}


def _whole(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else otherwise
