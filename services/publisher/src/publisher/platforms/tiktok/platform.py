"""TikTok: posting a film in chunks, or photos that TikTok fetches, and following what becomes of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import orjson

from kit.http.client import Answer, NotSent, Outbound
from kit.ledger.model import Found, Look, NotAccepted, NotFound, Receipt, Refused, Unanswered
from postrules.drafts import Kind
from publisher.accounts.model import AccountKind
from publisher.platforms.base import (
    Bounds,
    Capabilities,
    Identity,
    Outgoing,
    Plain,
    Processing,
    Quota,
    Ready,
    Tokens,
)
from publisher.platforms.login import Application, ByLogin, CodeFlow
from publisher.platforms.pieces import Budget, film_of
from publisher.platforms.speaking import TROUBLES, Speech, Trouble, at, document, one_line, token_of
from publisher.platforms.tiktok import errors
from publisher.platforms.tiktok.about import bounds_of, photo_urls, post_info
from publisher.platforms.tiktok.uploads import Upload, Uploads, cut
from publisher.platforms.tokens import TokenEndpoint, ended_by

CAPABILITIES: Final = Capabilities(
    accounts=frozenset({AccountKind.MEMBER}),
    kinds=frozenset({Kind.POST, Kind.CAROUSEL}),
    media=frozenset({"image", "video"}),
    quota=True,
    goes_live_alone=True,
    found_by=("handle",),
    processing_within=2 * 3600.0,
)
"""A film is found again by TikTok's name for the post, which is known before its last chunk is sent. Photos are
fetched from the first call on: when its answer is lost nobody can find them, since TikTok lists films only."""
PUBLISHING: Final = "/v2/post/publish"
STEP: Final = 25.0
ENDED: Final = ended_by("invalid_grant", "invalid_request")
WAITS_FOR_ID: Final = 4
POSTS_A_DAY: Final = 15
DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class TikTok(ByLogin, Plain):
    """The platform as the ledger's kinds use it."""

    speech: Speech
    base_url: str
    login: CodeFlow
    capabilities: Capabilities = CAPABILITIES

    @classmethod
    def of(cls, outbound: Outbound, base_url: str, consent_url: str, application: Application) -> "TikTok":
        """TikTok behind its addresses; refresh tokens are good once, and PKCE is for desktop applications only."""
        speech = Speech(outbound, "TikTok", "tiktok", errors.CATALOGUE, errors.read)
        secret = {"client_key": application.client_id, "client_secret": application.client_secret}
        url = f"{base_url}/v2/oauth/token/"
        endpoint = TokenEndpoint(outbound, "TikTok", url, secret, {}, ENDED, ",")
        asked = {"client_key": application.client_id, "scope": application.scopes}
        login = CodeFlow(application, f"{consent_url}/v2/auth/authorize/", endpoint, asked, pkce=False)
        return cls(speech, base_url, login)

    async def identities(self, kind: AccountKind, tokens: Tokens) -> list[Identity]:
        """The creator.

        Raises:
            Refused: TikTok does not tell.
        """
        _ = kind
        try:
            answer = await self._ask("GET", "/v2/user/info/?fields=open_id,display_name", tokens.access_token)
        except TROUBLES as trouble:
            raise _nobody(str(trouble)) from trouble
        user = at(document(answer), "data", "user")
        open_id = at(user, "open_id")
        if not isinstance(open_id, str) or not open_id:
            raise _nobody("")
        name = one_line(at(user, "display_name") or "") or "TikTok account"
        return [Identity(AccountKind.MEMBER, open_id, name, grantor=open_id)]

    async def publish(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Processing:
        """Begin: ask what the creator may choose, then announce a film, or let photos be fetched.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: by what TikTok answered.
        """
        _ = again, now
        token = token_of(outgoing.access_token)
        photos = bool(outgoing.media) and outgoing.media[0].kind == "image"
        item = outgoing.media[0] if photos else film_of(outgoing, "TikTok")
        urls = photo_urls(outgoing) if photos else []
        info = post_info(outgoing, await self._creator(token), item)
        if photos:
            source: dict[str, Any] = {"source": "PULL_FROM_URL", "photo_cover_index": 0, "photo_images": urls}
            body = {"media_type": "PHOTO", "post_mode": "DIRECT_POST", "post_info": info, "source_info": source}
            return Processing((await self._begun("content", token, body, public=True)).packed(), 5.0)
        chunk, count = cut(item.size_bytes)
        source = {"source": "FILE_UPLOAD", "video_size": item.size_bytes}
        source |= {"chunk_size": chunk, "total_chunk_count": count}
        upload = await self._begun("video", token, {"post_info": info, "source_info": source}, public=False)
        return Processing(upload.packed(), 1.0)

    async def check(self, outgoing: Outgoing, now: datetime) -> Receipt | Ready | Processing:
        """How far TikTok is; what is not wholly sent is ready to be sent on.

        The id of a public post comes after the moderation, at times hours later: that is not waited for long.

        Raises:
            Refused: TikTok did not publish it.
            NotAccepted, Parked, Unanswered: it could not be read now.
        """
        _ = now
        upload = Upload.unpacked(outgoing.handle)
        if upload.url and upload.sent < film_of(outgoing, "TikTok").size_bytes:
            return Ready()
        told = await self._status(upload, outgoing)
        state = at(told, "status")
        if state == "FAILED":
            raise _failed(told)
        if state != "PUBLISH_COMPLETE":
            return Processing(upload.packed(), 5.0)
        post_id = _post_id(told)
        if not post_id and upload.waited < WAITS_FOR_ID and _is_public(outgoing):
            waited = upload.waited + 1
            return Processing(replace(upload, waited=waited).packed(), 5.0 * waited)
        return _receipt(upload, post_id)

    async def finalize(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Processing:
        """Send the next chunks; the last one makes the post begin. Whether it arrived the status tells.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: by what TikTok answered.
        """
        _ = now
        film, upload = film_of(outgoing, "TikTok"), Upload.unpacked(outgoing.handle)
        if again:
            upload = replace(upload, sent=await self._arrived(upload, outgoing))
        try:
            upload = await Uploads(self.speech).send(film, upload, Budget.of(STEP))
        except TROUBLES as trouble:
            if isinstance(trouble, NotSent):
                raise self.speech.outcome(trouble, public=False) from trouble
            return await self._after(trouble, upload, outgoing)
        return Processing(upload.packed(), 5.0 if upload.sent >= film.size_bytes else 1.0)

    async def look(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Ask for the post by TikTok's name for it.

        Without one nothing was sent of a film; photos may be on their way, and TikTok lists none of them.

        Raises:
            Refused: TikTok did not publish it.
            NotAccepted, Parked, Unanswered: it could not be looked for now.
        """
        upload = Upload.unpacked(outgoing.handle)
        photos = bool(outgoing.media) and outgoing.media[0].kind == "image"
        if not upload.publish_id and not photos:
            return NotFound("nothing was sent yet", proven=True)
        if not upload.publish_id:
            raise NotAccepted("TikTok lists no photos, so they cannot be found.", code="unreadable")
        told = await self._status(upload, outgoing)
        _ = called_at, now
        state = at(told, "status")
        if state == "PUBLISH_COMPLETE":
            return Found(_receipt(upload, _post_id(told)))
        if state == "FAILED":
            raise _failed(told)
        arrived = at(told, "uploaded_bytes")
        if upload.url and isinstance(arrived, int) and arrived < film_of(outgoing, "TikTok").size_bytes:
            return NotFound(f"{arrived} bytes have arrived", proven=True)
        raise NotAccepted("TikTok works on it.", code="processing")

    async def quota(self, external_id: str, access_token: str) -> Quota | Bounds | None:
        """What the creator may choose; that they may post nothing more today is all that TikTok tells of numbers.

        Raises:
            NotAccepted, Parked, Unanswered: it could not be read now.
        """
        _ = external_id
        try:
            return bounds_of(await self._creator(access_token))
        except NotAccepted as refusal:
            if refusal.code != "daily-limit":
                raise
            return Quota(POSTS_A_DAY, POSTS_A_DAY, DAY)
        except Refused:
            return None

    def url_of(self, external_id: str) -> str:
        """Where people see it; not known before TikTok has told the id."""
        return f"https://www.tiktok.com/@/video/{external_id}" if external_id.isdigit() else ""

    async def _creator(self, token: str) -> Mapping[str, Any]:
        try:
            answer = await self._ask("POST", f"{PUBLISHING}/creator_info/query/", token, b"{}")
        except TROUBLES as trouble:
            raise self.speech.outcome(trouble, public=False) from trouble
        return at(document(answer), "data") or {}

    async def _begun(self, what: str, token: str, body: Mapping[str, Any], *, public: bool) -> Upload:
        try:
            answer = await self._ask("POST", f"{PUBLISHING}/{what}/init/", token, orjson.dumps(body))
        except TROUBLES as trouble:
            raise self.speech.outcome(trouble, public=public) from trouble
        data = at(document(answer), "data")
        publish_id, url = at(data, "publish_id"), at(data, "upload_url")
        if not isinstance(publish_id, str) or not publish_id or (not public and not isinstance(url, str)):
            raise Unanswered("TikTok's answer names no post.", code="no-id", said=str(answer.status))
        return Upload(publish_id, "" if public else str(url))

    async def _status(self, upload: Upload, outgoing: Outgoing) -> Mapping[str, Any]:
        body = orjson.dumps({"publish_id": upload.publish_id})
        try:
            answer = await self._ask("POST", f"{PUBLISHING}/status/fetch/", token_of(outgoing.access_token), body)
        except TROUBLES as trouble:
            outcome = self.speech.outcome(trouble, public=False)
            if isinstance(outcome, Refused):  # the question failed, not the post
                raise NotAccepted("TikTok does not tell how far it is.", code="unreadable") from trouble
            raise outcome from trouble
        return at(document(answer), "data") or {}

    async def _arrived(self, upload: Upload, outgoing: Outgoing) -> int:
        """How many bytes TikTok has of a film; all of them once it works on it."""
        told = await self._status(upload, outgoing)
        if at(told, "status") != "PROCESSING_UPLOAD":
            return film_of(outgoing, "TikTok").size_bytes
        arrived = at(told, "uploaded_bytes")
        return arrived if isinstance(arrived, int) else upload.sent

    async def _after(self, trouble: Trouble, upload: Upload, outgoing: Outgoing) -> Processing:
        """Go on from what TikTok has, where a chunk's answer is missing.

        Raises:
            Unanswered: TikTok does not tell that either.
            Refused, NotAccepted, Parked: by what TikTok answered.
        """
        outcome = self.speech.outcome(trouble, public=True)
        if not isinstance(outcome, Unanswered):
            raise outcome from trouble
        try:
            sent = await self._arrived(upload, outgoing)
        except (NotAccepted, Unanswered) as silence:
            raise outcome from silence
        return Processing(replace(upload, sent=sent).packed(), 5.0)

    async def _ask(self, method: str, path: str, token: str, body: bytes | None = None) -> Answer:
        return await self.speech.ask(method, f"{self.base_url}{path}", token, body)


def _is_public(outgoing: Outgoing) -> bool:
    return outgoing.options.get("privacy") == "public"


def _post_id(told: Mapping[str, Any]) -> str:
    """The id of a public post; the first spelling is TikTok's."""
    found = at(told, "publicaly_available_post_id", 0) or at(told, "publicly_available_post_id", 0)
    return str(found) if found else ""


def _receipt(upload: Upload, post_id: str) -> Receipt:
    return Receipt(post_id or upload.publish_id, said=f"complete {post_id or upload.publish_id}")


def _failed(told: Mapping[str, Any]) -> Refused:
    reason = str(at(told, "fail_reason") or "")
    why = errors.FAILURES.get(reason, "it gives no reason we know.")
    return Refused(f"TikTok did not publish it: {why}", code="processing-failed", said=one_line(reason))


def _nobody(said: str) -> Refused:
    return Refused("TikTok did not say whose account this is; connect it again.", code="nobody", said=said)
