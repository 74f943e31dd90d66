"""Facebook pages: text and links, pictures, videos, reels and stories.

Text, a link or one picture is live with the call that sends it. Several pictures are uploaded without being shown,
then posted together. A reel or a video story is uploaded, then finished by a call of its own. A video is shown by
Facebook by itself once it has processed it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

import orjson

from kit.http.client import Call
from kit.ledger.model import Found, Look, NotAccepted, NotFound, Receipt, Refused, Unanswered
from postrules.drafts import Kind as PostKind
from publisher.accounts.model import AccountKind
from publisher.platforms.base import (
    Capabilities,
    Identity,
    Live,
    MediaItem,
    Outgoing,
    Plain,
    Processing,
    Ready,
    Tokens,
)
from publisher.platforms.login import ByLogin
from publisher.platforms.meta.accounts import PageAccounts
from publisher.platforms.meta.containers import all_of
from publisher.platforms.meta.errors import FACEBOOK
from publisher.platforms.meta.graph import (
    GraphApi,
    Outcomes,
    age_of,
    comparable,
    named,
    one_line,
    token_of,
)
from publisher.platforms.meta.nodes import Comments, delete
from publisher.platforms.meta.oauth import FacebookLogin

OUTCOMES: Final = Outcomes("Facebook", FACEBOOK)
CAPABILITIES: Final = Capabilities(
    accounts=frozenset({AccountKind.ORGANIZATION}),
    kinds=frozenset({PostKind.POST, PostKind.REEL, PostKind.STORY}),
    media=frozenset({"image", "video"}),
    comments=True,
    deletes=True,
    goes_live_alone=True,
    found_by=("handle", "fingerprint"),
    processing_within=2 * 3600.0,
)
_EDGES: Final = {"reel": "video_reels", "story": "video_stories"}


def _page(page: Mapping[str, Any]) -> tuple[str, str] | None:
    """A page on which the person may publish."""
    tasks = page.get("tasks")
    if not page.get("id") or not (tasks is None or "CREATE_CONTENT" in tasks):
        return None
    return str(page["id"]), one_line(page.get("name") or "") or "Facebook page"


PAGES: Final = PageAccounts(
    OUTCOMES,
    "id,name,access_token,tasks",
    _page,
    silent="Facebook did not say which pages these are; connect them again.",
    none="This person may publish on no page at Facebook.",
)


@dataclass(frozen=True, slots=True)
class Begun:
    """What Facebook has: pictures that are not shown, or a video, what it is to be, and whether it was finished."""

    what: str
    ids: tuple[str, ...]
    finished: bool = False

    def processing(self, check_after: float) -> Processing:
        """As it is kept, and when to ask."""
        kept = {"what": self.what, "ids": self.ids, "finished": self.finished}
        return Processing(orjson.dumps(kept).decode(), check_after)

    @classmethod
    def of(cls, outgoing: Outgoing) -> "Begun | None":
        """What was kept."""
        if not outgoing.handle:
            return None
        kept = orjson.loads(outgoing.handle)
        return cls(kept["what"], tuple(kept["ids"]), kept["finished"])


@dataclass(frozen=True, slots=True)
class Facebook(ByLogin, Plain):
    """The platform as the ledger's kinds use it; `upload_url` is where videos are handed over by their address."""

    graph: GraphApi
    login: FacebookLogin
    upload_url: str

    capabilities: Capabilities = CAPABILITIES

    @property
    def _comments(self) -> Comments:
        return Comments(self.graph, OUTCOMES, "message", "created_time")

    async def renew(self, refresh_token: str, external_id: str) -> Tokens:
        """A newer token of the person, and the page's token that it opens."""
        return await PAGES.renew(self.graph, self.login, refresh_token, external_id)

    async def identities(self, kind: AccountKind, tokens: Tokens) -> list[Identity]:
        """The pages on which the person may publish, each with its own token.

        Raises:
            Refused: there is none, or it is not told.
        """
        _ = kind
        return await PAGES.identities(self.graph, tokens)

    async def publish(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt | Processing:
        """Publish what one call publishes; upload what takes more.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: by what Facebook answered.
        """
        _ = now
        media = outgoing.media
        if outgoing.kind in (PostKind.REEL, PostKind.STORY) and len(media) != 1:
            raise Refused(f"A {outgoing.kind} at Facebook is one file; leave one.", code="one-file")
        if not media:
            return await self._post(outgoing, {}, again=again)
        if media[0].kind == "video":
            return await self._video(outgoing, media[0], again=again)
        if len(media) > 1 or outgoing.kind is PostKind.STORY:
            return await self._pictures(outgoing)
        return await self._picture(outgoing, media[0], again=again)

    async def check(self, outgoing: Outgoing, now: datetime) -> Receipt | Ready | Processing:
        """How far a video is; pictures are ready as soon as they are there."""
        _ = now
        begun = Begun.of(outgoing)
        if begun is None or begun.what == "pictures":
            return Ready()
        fields = "status,permalink_url,post_id"
        with OUTCOMES.of(again=False):
            body = await self.graph.get(f"/{begun.ids[0]}", token_of(outgoing.access_token), fields=fields)
        status = body.get("status") or {}
        if trouble := _trouble(status):
            raise Refused(f"Facebook could not process the video: {trouble}", code="processing-failed", said=trouble)
        if begun.what in _EDGES and not begun.finished:
            uploaded = (status.get("uploading_phase") or {}).get("status") == "complete"
            return Ready() if uploaded else begun.processing(5.0)
        published = (status.get("publishing_phase") or {}).get("status") == "complete"
        if published or (status.get("video_status") == "ready" and begun.what == "video"):
            live = str(body.get("post_id") or begun.ids[0])
            url = str(body.get("permalink_url") or "")
            return Receipt(live, said="processed", result=Live(_absolute(url) or self.url_of(live)))
        return begun.processing(10.0)

    async def finalize(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt | Processing:
        """Show what was uploaded: one call."""
        _ = now
        begun, token = Begun.of(outgoing), token_of(outgoing.access_token)
        if begun is None:
            raise Refused("Facebook does not know the upload any more; publish it anew.", code="container-gone")
        if begun.what == "pictures" and outgoing.kind is PostKind.STORY:
            with OUTCOMES.of(again=again):
                body = await self.graph.post(f"/{outgoing.author}/photo_stories", token, photo_id=begun.ids[0])
                return Receipt(named(body, "post_id", "id"), said="published")
        if begun.what == "pictures":
            attached = orjson.dumps([{"media_fbid": each} for each in begun.ids]).decode()
            return await self._post(outgoing, {"attached_media": attached}, again=again)
        finish: dict[str, str] = {"upload_phase": "finish", "video_id": begun.ids[0]}
        if begun.what == "reel":
            finish |= {"video_state": "PUBLISHED", "description": outgoing.text, "title": outgoing.title}
        with OUTCOMES.of(again=again):
            await self.graph.post(f"/{outgoing.author}/{_EDGES[begun.what]}", token, **finish)
        return replace(begun, finished=True).processing(5.0)

    async def look(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Ask for the video that is known, else look through what the page has published since.

        A video whose id was lost is shown once it was processed, however long that takes: that it is not there proves
        nothing, and in the end a person decides.

        Raises:
            NotAccepted: it cannot be told yet.
        """
        begun = Begun.of(outgoing)
        if begun is not None and begun.what != "pictures":
            return await self._look_for_video(outgoing, begun, now)
        if outgoing.behind:
            raise NotAccepted("An earlier post with the same text is being looked for first.", code="behind")
        if begun is None and self._only_uploads(outgoing):
            return NotFound("nothing was to be seen yet", proven=True)
        found = await self._search(outgoing, age_of(outgoing, called_at, now))
        if isinstance(found, NotFound) and outgoing.media and outgoing.media[0].kind == "video":
            raise NotAccepted("Facebook may still be working on the video.", code="not-shown", said=found.said)
        return found

    async def _look_for_video(self, outgoing: Outgoing, begun: Begun, now: datetime) -> Look:
        try:
            came = await self.check(replace(outgoing, handle=replace(begun, finished=True).processing(0).handle), now)
        except Refused as failed:
            return NotFound(failed.said, proven=True)
        if isinstance(came, Receipt):
            return Found(came)
        return NotFound("it is not published")

    async def _search(self, outgoing: Outgoing, age: timedelta) -> Look:
        edge, text, by = _list(outgoing)
        wanted, token, path = comparable(outgoing.text), token_of(outgoing.access_token), f"/{outgoing.author}/{edge}"
        asked = {"fields": ",".join(filter(None, ("id", "post_id", text, by, "permalink_url"))), "limit": "50"}
        with OUTCOMES.of(again=False):
            async for each in self.graph.recent(path, token, age=age, by=by, **asked):
                live = str(each.get("post_id") or each.get("id"))
                if live not in outgoing.taken and (not text or comparable(each.get(text)) == wanted):
                    url = _absolute(str(each.get("permalink_url") or "")) or self.url_of(live)
                    return Found(Receipt(live, said=f"found {live}", result=Live(url)))
        return NotFound("not among what the page has published")

    async def comment(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt:
        """Write a comment below a post of the page, as the page."""
        _ = now
        return await self._comments.write(outgoing, again=again)

    async def look_for_comment(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Find it among the comments below the post."""
        return await self._comments.find(outgoing, age_of(outgoing, called_at, now), order="reverse_chronological")

    async def delete(self, external_id: str, access_token: str) -> Receipt:
        """Take a post down; one that is not there is done."""
        await delete(self.graph, OUTCOMES, f"/{external_id}", access_token)
        return Receipt(said="deleted")

    def url_of(self, external_id: str) -> str:
        """Where people see it."""
        return f"https://www.facebook.com/{external_id}"

    def _only_uploads(self, outgoing: Outgoing) -> bool:
        """Whether the first call for this shows nothing to anybody."""
        kinds = [item.kind for item in outgoing.media]
        return outgoing.kind in (PostKind.REEL, PostKind.STORY) or (len(kinds) > 1 and kinds[0] == "image")

    async def _post(self, outgoing: Outgoing, attached: dict[str, str], *, again: bool) -> Receipt:
        token, path = token_of(outgoing.access_token), f"/{outgoing.author}/feed"
        with OUTCOMES.of(again=again):
            link = outgoing.link if not attached else ""
            body = await self.graph.post(path, token, message=outgoing.text, link=link, **attached)
            return Receipt(named(body, "id"), said="published")

    async def _picture(self, outgoing: Outgoing, item: MediaItem, *, again: bool) -> Receipt:
        token, path = token_of(outgoing.access_token), f"/{outgoing.author}/photos"
        words = {"message": outgoing.text, "alt_text_custom": item.alt}
        with OUTCOMES.of(again=again):
            body = await self.graph.post(path, token, url=_address(item), **words)
            return Receipt(named(body, "post_id", "id"), said="published")

    async def _pictures(self, outgoing: Outgoing) -> Processing:
        token, path = token_of(outgoing.access_token), f"/{outgoing.author}/photos"

        async def upload(item: MediaItem) -> str:
            alt = item.alt
            return named(
                await self.graph.post(path, token, url=_address(item), published=False, alt_text_custom=alt), "id"
            )

        with OUTCOMES.harmless():
            ids = await all_of(*(upload(item) for item in outgoing.media))
        return Begun("pictures", tuple(ids)).processing(0.0)

    async def _video(self, outgoing: Outgoing, item: MediaItem, *, again: bool) -> Processing:
        token = token_of(outgoing.access_token)
        if outgoing.kind is PostKind.POST:
            words = {"description": outgoing.text, "title": outgoing.title}
            with OUTCOMES.of(again=again):
                body = await self.graph.post(f"/{outgoing.author}/videos", token, file_url=_address(item), **words)
                return Begun("video", (named(body, "id"),)).processing(10.0)
        what = "reel" if outgoing.kind is PostKind.REEL else "story"
        with OUTCOMES.harmless():
            body = await self.graph.post(f"/{outgoing.author}/{_EDGES[what]}", token, upload_phase="start")
            video = named(body, "video_id")
            await self._hand_over(video, token, _address(item))
        return Begun(what, (video,)).processing(5.0)

    async def _hand_over(self, video: str, token: str, address: str) -> None:
        """Tell Facebook from where to fetch the video; the place is composed here and not taken from an answer."""
        url = f"{self.upload_url}/video-upload/{self.graph.version}/{video}"
        headers = {"authorization": f"OAuth {token}", "file_url": address}
        answer = await self.graph.outbound.send(Call("POST", url, headers, b"", deadline=15.0, attempts=1))
        if answer.status != HTTPStatus.OK:
            raise Unanswered("Facebook did not take the video.", code="upload-lost")


def _list(outgoing: Outgoing) -> tuple[str, str, str]:
    """Where what is published of this kind stands: the edge, the field of its text, that of its time."""
    if outgoing.kind is PostKind.STORY:
        return "stories", "", "creation_time"
    if outgoing.media and outgoing.media[0].kind == "video":
        return "videos", "description", "created_time"
    return "published_posts", "message", "created_time"


def _trouble(status: dict[str, Any]) -> str:
    """What went wrong with a video, in Facebook's words; empty while nothing did."""
    for phase in ("uploading_phase", "processing_phase", "publishing_phase"):
        told = status.get(phase) or {}
        if told.get("status") == "error":
            errors = told.get("errors") or [told.get("error") or {}]
            return one_line(errors[0].get("message") or phase) if isinstance(errors[0], dict) else phase
    return "an error" if status.get("video_status") in ("error", "expired", "upload_failed") else ""


def _address(item: MediaItem) -> str:
    if item.url is None:
        raise Refused("The file cannot be fetched by Facebook; publish it anew.", code="no-address")
    return item.url


def _absolute(url: str) -> str:
    return f"https://www.facebook.com{url}" if url.startswith("/") else url
