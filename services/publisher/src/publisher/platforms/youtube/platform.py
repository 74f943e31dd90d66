"""YouTube: uploading films to a channel, piece by piece, and following them until they can be seen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import orjson

from kit.http.client import Answer, NotSent, Outbound
from kit.ledger.model import Found, Look, NotAccepted, NotFound, Receipt, Refused, Unanswered
from postrules.drafts import Kind
from postrules.limits import LIMITS
from postrules.limits import Platform as PlatformName
from publisher.accounts.model import AccountKind
from publisher.platforms.base import (
    PROJECT_FULL,
    Bucket,
    Capabilities,
    Identity,
    MediaItem,
    Outgoing,
    Plain,
    Processing,
    Ready,
    Tokens,
)
from publisher.platforms.login import Application, ByLogin, CodeFlow
from publisher.platforms.pieces import Budget, comparable, film_of, piece
from publisher.platforms.speaking import TROUBLES, Speech, Trouble, at, document, one_line, token_of
from publisher.platforms.tokens import TokenEndpoint, ended_by
from publisher.platforms.windows import began, moment
from publisher.platforms.youtube import errors
from publisher.platforms.youtube.about import about, title_of
from publisher.platforms.youtube.uploads import SessionGone, Upload, Uploads

CAPABILITIES: Final = Capabilities(
    accounts=frozenset({AccountKind.MEMBER}),
    kinds=frozenset({Kind.POST, Kind.SHORT}),
    media=frozenset({"video"}),
    comments=True,
    covers=True,
    deletes=True,
    bucket=Bucket(int(LIMITS[PlatformName.YOUTUBE].rules["posts.project.day", "", ""].number), str(errors.PACIFIC)),
    pkce=True,
    goes_live_alone=True,
    repeatable=True,
    found_by=("handle", "fingerprint"),
    processing_within=12 * 3600.0,
)
"""Nothing is public before the last piece, and the session tells whether that arrived: it is never sent twice."""
STEP: Final = 25.0
ENDED: Final = ended_by("invalid_grant")
COVER_FORBIDDEN: Final = (
    "YouTube does not let this channel choose covers; verify it by telephone at youtube.com/verify, then set the "
    "cover at YouTube. The video is live with a picture that YouTube chose."
)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where Google's parts are: people consent at one, the others are asked by us."""

    consent_url: str
    token_url: str
    api_url: str


@dataclass(frozen=True, slots=True)
class YouTube(ByLogin, Plain):
    """The platform as the ledger's kinds use it."""

    speech: Speech
    addresses: Addresses
    login: CodeFlow
    capabilities: Capabilities = CAPABILITIES

    @classmethod
    def of(
        cls, outbound: Outbound, addresses: Addresses, application: Application, uploads_a_day: int | None = None
    ) -> "YouTube":
        """YouTube behind its addresses; `uploads_a_day` where Google has granted the project others than usual."""
        speech = Speech(outbound, "YouTube", "youtube", errors.CATALOGUE, errors.read)
        secret = {"client_id": application.client_id, "client_secret": application.client_secret}
        endpoint = TokenEndpoint(outbound, "YouTube", addresses.token_url, secret, {}, ENDED)
        asked = {"client_id": application.client_id, "scope": application.scopes}
        asked |= {"access_type": "offline", "prompt": "consent"}  # else no refresh token comes a second time
        bucket = CAPABILITIES.bucket if uploads_a_day is None else Bucket(uploads_a_day, str(errors.PACIFIC))
        login = CodeFlow(application, addresses.consent_url, endpoint, asked, pkce=True)
        return cls(speech, addresses, login, replace(CAPABILITIES, bucket=bucket))

    async def identities(self, kind: AccountKind, tokens: Tokens) -> list[Identity]:
        """The channel that was chosen.

        Raises:
            Refused: there is none, or YouTube does not tell.
        """
        _ = kind
        try:
            found = document(await self._ask("GET", "channels?part=snippet&mine=true", tokens.access_token))
        except TROUBLES as trouble:
            raise Refused(
                "YouTube did not say whose channel this is; connect it again.", code="nobody", said=str(trouble)
            ) from trouble
        channels = [one for one in at(found, "items") or () if isinstance(at(one, "id"), str)]
        if not channels:
            raise Refused("This Google account has no YouTube channel.", code="no-page")
        return [
            Identity(AccountKind.MEMBER, one["id"], one_line(at(one, "snippet", "title") or "") or "YouTube channel")
            for one in channels
        ]

    async def publish(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Processing:
        """Begin an upload, which makes nothing public.

        Raises:
            Refused, NotAccepted, Parked: by what YouTube answered.
        """
        _ = again
        film, token = film_of(outgoing, "YouTube"), token_of(outgoing.access_token)
        if not title_of(outgoing):
            raise Refused("A video on YouTube needs a title; write one.", code="invalid-title")
        notify = "false" if outgoing.options.get("notify") is False else "true"
        query = f"part=snippet,status&notifySubscribers={notify}"
        try:
            upload = await self._uploads.begin(film, about(outgoing), token, query)
        except TROUBLES as trouble:
            raise self._outcome(trouble, now, public=False) from trouble
        return Processing(upload.packed(), 1.0)

    async def check(self, outgoing: Outgoing, now: datetime) -> Receipt | Ready | Processing:
        """How far YouTube is with the video; what is not wholly sent is ready to be sent on.

        Raises:
            Refused: YouTube could not process it, or does not want it.
            NotAccepted, Parked, Unanswered: it could not be read now.
        """
        upload = Upload.unpacked(outgoing.handle)
        if not upload.video:
            return Ready()
        try:
            status = await self._status(upload.video, token_of(outgoing.access_token))
        except TROUBLES as trouble:
            raise self._outcome(trouble, now, public=False) from trouble
        if status is None or status.get("uploadStatus") in ("failed", "rejected", "deleted"):
            raise _refused(status or {})
        if status.get("uploadStatus") == "processed":
            return self._receipt(upload.video, str(status.get("privacyStatus") or ""))
        return Processing(upload.packed(), 10.0)

    async def finalize(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Processing:
        """Send the next pieces. The last one makes the video public; whether it arrived the session always tells.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: by what YouTube answered.
        """
        film, token = film_of(outgoing, "YouTube"), token_of(outgoing.access_token)
        upload = Upload.unpacked(outgoing.handle)
        try:
            if again:
                upload = await self._uploads.probe(upload, film.size_bytes, token)
            upload = await self._uploads.send(film, upload, token, Budget.of(STEP))
        except SessionGone as gone:
            if again:
                raise Unanswered("YouTube does not know the upload any more.", code="session-gone") from gone
            return await self.publish(outgoing, again=False, now=now)
        except TROUBLES as trouble:
            raise self._outcome(trouble, now, public=not isinstance(trouble, NotSent)) from trouble
        return Processing(upload.packed(), 5.0 if upload.video else 1.0)

    async def look(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Ask the session, then the list of the channel's uploads.

        Raises:
            Refused: YouTube could not process it, or does not want it.
            NotAccepted, Parked, Unanswered: it could not be looked for now.
        """
        upload, token = Upload.unpacked(outgoing.handle), token_of(outgoing.access_token)
        if not upload.session:
            return NotFound("nothing was sent yet", proven=True)
        film = film_of(outgoing, "YouTube")
        try:
            upload = upload if upload.video else await self._uploads.probe(upload, film.size_bytes, token)
            if not upload.video:
                return NotFound(f"{upload.sent} of {film.size_bytes} bytes have arrived", proven=True)
            status = await self._status(upload.video, token) or {}
        except SessionGone:
            return await self._listed(outgoing, called_at, now)
        except TROUBLES as trouble:
            raise self._of_look(trouble, now) from trouble
        if status.get("uploadStatus") == "processed":
            return Found(self._receipt(upload.video, str(status.get("privacyStatus") or "")))
        if status.get("uploadStatus") == "uploaded":
            raise NotAccepted("YouTube works on the video.", code="processing")
        raise _refused(status)

    async def comment(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt:
        """Begin a thread of comments below a video.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: by what YouTube answered.
        """
        _ = again
        comment = {"snippet": {"textOriginal": outgoing.text}}
        body = {"snippet": {"channelId": outgoing.author, "videoId": outgoing.reply_to, "topLevelComment": comment}}
        token = token_of(outgoing.access_token)
        try:
            answer = await self._ask("POST", "commentThreads?part=snippet", token, orjson.dumps(body))
        except TROUBLES as trouble:
            raise self._outcome(trouble, now, public=True) from trouble
        comment_id = at(document(answer), "id")
        if not isinstance(comment_id, str) or not comment_id:
            raise Unanswered("YouTube's answer names no comment.", code="no-id", said=str(answer.status))
        return Receipt(comment_id, said=f"{answer.status} {comment_id}")

    async def look_for_comment(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Read the newest comments below the video.

        Raises:
            NotAccepted, Parked, Unanswered: it could not be looked for now.
        """
        path = f"commentThreads?part=snippet&order=time&maxResults=100&videoId={quote(outgoing.reply_to or '')}"
        answer = await self._looked(path, outgoing, now)
        since, wanted = began(answer, outgoing.since, called_at, now), comparable(outgoing.text)
        for one in at(document(answer), "items") or ():
            said = at(one, "snippet", "topLevelComment", "snippet") or {}
            mine = at(said, "authorChannelId", "value") == outgoing.author
            text = str(said.get("textOriginal") or said.get("textDisplay") or "")
            if mine and comparable(text) == wanted and moment(said.get("publishedAt")) >= since:
                return Found(Receipt(str(at(one, "id")), said="found"))
        return NotFound("not among the newest comments")

    async def cover(self, external_id: str, picture: MediaItem, access_token: str, now: datetime) -> Receipt:
        """Set the thumbnail of a video; only channels that are verified may.

        Raises:
            Refused, NotAccepted, Parked: by what YouTube answered, or the picture cannot be read.
        """
        url = f"{self.addresses.api_url}/upload/youtube/v3/thumbnails/set?videoId={quote(external_id)}"
        content = await piece(picture, 0, picture.size_bytes)
        try:
            answer = await self.speech.ask(
                "POST", f"{url}&uploadType=media", access_token, content, headers={"content-type": picture.mime}
            )
        except TROUBLES as trouble:
            outcome = self._outcome(trouble, now, public=False)
            if isinstance(outcome, Refused) and outcome.code == "forbidden":
                raise Refused(COVER_FORBIDDEN, code="cover-forbidden", said=outcome.said) from trouble
            raise outcome from trouble
        return Receipt(external_id, said=f"{answer.status}")

    async def delete(self, external_id: str, access_token: str) -> Receipt:
        """Take a video down; one that is gone is done.

        Raises:
            Refused, NotAccepted, Parked: by what YouTube answered.
        """
        url = f"{self.addresses.api_url}/youtube/v3/videos?id={quote(external_id)}"
        return await self.speech.remove(url, access_token, external_id)

    def url_of(self, external_id: str) -> str:
        """Where people see the video."""
        return f"https://www.youtube.com/watch?v={external_id}"

    @property
    def _uploads(self) -> Uploads:
        return Uploads(self.speech, self.addresses.api_url)

    def _receipt(self, video: str, privacy: str) -> Receipt:
        return Receipt(video, said=f"{video} is {privacy}")

    async def _status(self, video: str, token: str) -> Mapping[str, Any] | None:
        """The status of a video; None where there is no such one (any more)."""
        answer = await self._ask("GET", f"videos?part=status,processingDetails&id={quote(video)}", token)
        found = at(document(answer), "items", 0, "status")
        return found if isinstance(found, dict) else None

    async def _listed(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """A video of that title among what the channel uploaded since."""
        playlist = f"UU{outgoing.author[2:]}"
        path = f"playlistItems?part=snippet&maxResults=50&playlistId={quote(playlist)}"
        answer = await self._looked(path, outgoing, now)
        since, wanted = began(answer, outgoing.since, called_at, now), comparable(title_of(outgoing))
        for one in at(document(answer), "items") or ():
            said, video = at(one, "snippet") or {}, at(one, "snippet", "resourceId", "videoId")
            fits = moment(said.get("publishedAt")) >= since and comparable(str(said.get("title") or "")) == wanted
            if fits and isinstance(video, str) and video not in outgoing.taken:
                return Found(Receipt(video, said=f"found {video}"))
        return NotFound("not among the channel's newest uploads")

    async def _looked(self, path: str, outgoing: Outgoing, now: datetime) -> Answer:
        try:
            return await self._ask("GET", path, token_of(outgoing.access_token))
        except TROUBLES as trouble:
            raise self._of_look(trouble, now) from trouble

    async def _ask(self, method: str, path: str, token: str, body: bytes | None = None) -> Answer:
        return await self.speech.ask(method, f"{self.addresses.api_url}/youtube/v3/{path}", token, body)

    def _of_look(self, trouble: Trouble, now: datetime) -> Exception:
        outcome = self._outcome(trouble, now, public=False)
        if isinstance(outcome, Refused):  # the look failed, not the post
            return NotAccepted("YouTube does not let us look.", code="unreadable", said=outcome.said)
        return outcome

    def _outcome(self, trouble: Trouble, now: datetime, *, public: bool) -> Exception:
        """The outcome; what is used up waits until midnight Pacific time, by our own clock."""
        outcome = self.speech.outcome(trouble, public=public)
        if isinstance(outcome, NotAccepted) and outcome.code == PROJECT_FULL:
            outcome.retry_after = errors.until_midnight(now) + 60.0
        return outcome


def _refused(status: Mapping[str, Any]) -> Refused:
    reason = str(status.get("failureReason") or status.get("rejectionReason") or "")
    why = errors.FAILURES.get(reason, "it gives no reason we know.")
    if not status:
        why = "it is not there any more."
    code = "processing-failed" if status.get("uploadStatus") != "rejected" else "rejected"
    return Refused(f"YouTube refused the video: {why}", code=code, said=one_line(reason))
