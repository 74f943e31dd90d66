"""X: publishing posts, threads and media as a user, and looking for what may be live."""

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import orjson

from kit.http.client import Answer, Outbound
from kit.http.client import Refused as Rejected
from kit.ledger.model import Found, Look, NotAccepted, NotFound, Receipt, Refused, Unanswered
from postrules.drafts import Kind
from publisher.accounts.model import AccountKind
from publisher.platforms.base import (
    PROJECT_FULL,
    Capabilities,
    Identity,
    Live,
    Outgoing,
    Plain,
    Processing,
    Ready,
    Tokens,
)
from publisher.platforms.login import Application, ByLogin, CodeFlow
from publisher.platforms.pieces import Budget, with_link
from publisher.platforms.speaking import TROUBLES, Speech, Trouble, at, document, one_line, token_of
from publisher.platforms.tokens import TokenEndpoint, ended_by
from publisher.platforms.windows import began, moment
from publisher.platforms.x import errors
from publisher.platforms.x.limits import application_is_full, quota_of
from publisher.platforms.x.media import Progress, Uploads, check_after, is_film, refuse_mixed
from publisher.platforms.x.reading import is_it

CAPABILITIES: Final = Capabilities(
    accounts=frozenset({AccountKind.MEMBER}),
    kinds=frozenset({Kind.POST, Kind.THREAD}),
    media=frozenset({"image", "video"}),
    comments=True,
    replies=True,
    deletes=True,
    pkce=True,
    processing_within=1800.0,
)
"""X has no key that makes posting twice posting once: a lost answer is looked for in the user's timeline."""
FIELDS: Final = "tweet.fields=created_at,entities,attachments,referenced_tweets"
PAGE: Final = 100
PAGES: Final = 5
FIRST_CALL: Final = 8.0
STEP: Final = 40.0
ENDED: Final = ended_by("invalid_request", "invalid_grant")
REPLIES: Final = {"following": "following", "mentioned": "mentionedUsers", "subscribers": "subscribers"}


@dataclass(frozen=True, slots=True)
class X(ByLogin, Plain):
    """The platform as the ledger's kinds use it."""

    speech: Speech
    base_url: str
    login: CodeFlow
    capabilities: Capabilities = CAPABILITIES

    @classmethod
    def of(cls, outbound: Outbound, base_url: str, consent_url: str, application: Application) -> "X":
        """X behind its addresses; a refresh token is good once there."""
        speech = Speech(outbound, "X", "x", errors.CATALOGUE, errors.read, errors.wait)
        pair = f"{quote(application.client_id, safe='')}:{quote(application.client_secret, safe='')}"
        basic = {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        about = {"client_id": application.client_id}
        endpoint = TokenEndpoint(outbound, "X", f"{base_url}/2/oauth2/token", about, basic, ENDED)
        asked = about | {"scope": application.scopes}
        login = CodeFlow(application, f"{consent_url}/i/oauth2/authorize", endpoint, asked, pkce=True)
        return cls(speech, base_url, login)

    async def identities(self, kind: AccountKind, tokens: Tokens) -> list[Identity]:
        """The user.

        Raises:
            Refused: X does not tell.
        """
        _ = kind
        try:
            data = at(document(await self._ask("GET", "/2/users/me", tokens.access_token)), "data")
        except TROUBLES as trouble:
            raise _nobody(str(trouble)) from trouble
        user_id, name = at(data, "id"), one_line(at(data, "username") or "")
        if not isinstance(user_id, str) or not user_id:
            raise _nobody("")
        return [Identity(AccountKind.MEMBER, user_id, f"@{name}" if name else "X account", grantor=user_id)]

    async def publish(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt | Processing:
        """Publish a text, or a text with pictures; a film is begun to be sent.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: by what X answered.
        """
        refuse_mixed(outgoing)
        return await self._go_on(outgoing, Progress(), FIRST_CALL, again=again, now=now)

    async def check(self, outgoing: Outgoing, now: datetime) -> Receipt | Ready | Processing:
        """Whether a film is ready to be posted; what is not wholly sent is ready to be sent on.

        Raises:
            Refused: X could not process it.
            NotAccepted, Parked, Unanswered: it could not be read now.
        """
        _ = now
        progress = Progress.unpacked(outgoing.handle)
        if not progress.is_all(outgoing):
            return Ready()
        try:
            info = await self._uploads.status(progress.ids[-1], token_of(outgoing.access_token))
        except TROUBLES as trouble:
            raise self._of_upload(trouble) from trouble
        if info.get("state") in (None, "succeeded"):
            return Ready()
        if info.get("state") == "failed":
            why = one_line(at(info, "error", "message") or "no reason was given")
            raise Refused(
                f"X could not process the video: {why}. Save it anew as MP4 (H.264, AAC) and try again.",
                code="processing-failed",
                said=one_line(info.get("error")),
            )
        return Processing(progress.packed(), check_after(info))

    async def finalize(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt | Processing:
        """Send the next pieces, or publish what X is done with.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: by what X answered.
        """
        progress = Progress.unpacked(outgoing.handle)
        if progress.is_all(outgoing):
            return await self._posted(outgoing, progress.ids, again=again, now=now)
        return await self._go_on(outgoing, progress, STEP, again=again, now=now)

    async def look(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Read the user's recent posts and find the one that was sent.

        Raises:
            NotAccepted, Parked, Unanswered: it could not be looked for now.
        """
        if outgoing.behind:
            raise NotAccepted("An earlier post with the same text is being looked for first.", code="behind")
        media_ids = Progress.unpacked(outgoing.handle).ids
        following, read = "", 0
        for _ in range(PAGES):
            answer = await self._timeline(outgoing, following)
            since = began(answer, outgoing.since, called_at, now)
            found = [one for one in at(document(answer), "data") or () if isinstance(one, dict)]
            read += len(found)
            for one in found:
                if is_it(one, outgoing, since, media_ids):
                    return Found(Receipt(one["id"], said=f"found {one['id']}"))
            following = str(at(document(answer), "meta", "next_token") or "")
            if not following or (found and moment(found[-1].get("created_at")) < since):
                return NotFound(f"not among {read} posts")
        raise NotAccepted("More was posted since than can be read.", code="too-many")

    async def comment(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt:
        """Answer one's own post.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: by what X answered.
        """
        return await self._posted(outgoing, (), again=again, now=now)

    async def look_for_comment(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """An answer is a post like others."""
        return await self.look(outgoing, called_at, now)

    async def delete(self, external_id: str, access_token: str) -> Receipt:
        """Take a post down; one that is gone is done.

        Raises:
            Refused, NotAccepted, Parked: by what X answered.
        """
        return await self.speech.remove(f"{self.base_url}/2/tweets/{external_id}", access_token, external_id)

    def url_of(self, external_id: str) -> str:
        """Where people see the post."""
        return f"https://x.com/i/status/{external_id}"

    @property
    def _uploads(self) -> Uploads:
        return Uploads(self.speech, self.base_url)

    async def _go_on(
        self, outgoing: Outgoing, begun: Progress, budget: float, *, again: bool, now: datetime
    ) -> Receipt | Processing:
        """Send what is missing. What needs no processing is posted at once, as the last request of the call."""
        token = token_of(outgoing.access_token)
        try:
            progress = await self._uploads.send(outgoing, token, begun, Budget.of(budget))
        except TROUBLES as trouble:
            if begun.ids and isinstance(trouble, Rejected) and trouble.status == HTTPStatus.NOT_FOUND:
                return Processing(Progress().packed(), 1.0)  # X has forgotten what was sent of it
            raise self._of_upload(trouble) from trouble
        if not progress.is_all(outgoing) or any(is_film(item) for item in outgoing.media):
            return Processing(progress.packed(), 1.0)
        return await self._posted(outgoing, progress.ids, again=again, now=now)

    async def _posted(self, outgoing: Outgoing, media_ids: Sequence[str], *, again: bool, now: datetime) -> Receipt:
        body = orjson.dumps(_body(outgoing, media_ids))
        try:
            answer = await self._ask("POST", "/2/tweets", token_of(outgoing.access_token), body)
        except TROUBLES as trouble:
            raise self._of_post(trouble, again=again) from trouble
        post_id = at(document(answer), "data", "id")
        if not isinstance(post_id, str) or not post_id:
            raise Unanswered("X's answer names no post.", code="no-id", said=str(answer.status))
        live = Live(self.url_of(post_id), quota_of(answer, now))
        return Receipt(post_id, said=f"{answer.status} {post_id}", result=live)

    async def _timeline(self, outgoing: Outgoing, following: str) -> Answer:
        query = f"max_results={PAGE}&{FIELDS}" + (f"&pagination_token={quote(following)}" if following else "")
        path = f"/2/users/{quote(outgoing.author)}/tweets?{query}"
        try:
            return await self._ask("GET", path, token_of(outgoing.access_token))
        except TROUBLES as trouble:
            outcome = self.speech.outcome(trouble, public=False)
            if isinstance(outcome, Refused):  # the look failed, not the post
                raise NotAccepted("X does not let us read this account's posts.", code="unreadable") from trouble
            raise outcome from trouble

    async def _ask(self, method: str, path: str, token: str, body: bytes | None = None) -> Answer:
        return await self.speech.ask(method, f"{self.base_url}{path}", token, body)

    def _of_upload(self, trouble: Trouble) -> Exception:
        return self.speech.outcome(trouble, public=False)

    def _of_post(self, trouble: Trouble, *, again: bool) -> Exception:
        if again and self.speech.code(trouble) == errors.DUPLICATE:  # it may be our own earlier attempt
            return Unanswered("X has this post already.", code="duplicate")
        if isinstance(trouble, Rejected) and application_is_full(trouble.answer):
            wait = errors.wait(trouble)
            said = f"{trouble.status}"
            return NotAccepted(errors.FULL, code=PROJECT_FULL, said=said, retry_after=wait, whole_lane=True)
        return self.speech.outcome(trouble, public=True)


def _body(outgoing: Outgoing, media_ids: Collection[str]) -> dict[str, Any]:
    body: dict[str, Any] = {"text": with_link(outgoing)}
    if media_ids:
        body["media"] = {"media_ids": list(media_ids)}
    if outgoing.reply_to:
        body["reply"] = {"in_reply_to_tweet_id": outgoing.reply_to}
    replies = REPLIES.get(str(outgoing.options.get("who_may_reply") or ""))
    if replies and not outgoing.reply_to:
        body["reply_settings"] = replies
    if outgoing.options.get("ai_label") is True:
        body["made_with_ai"] = True
    return body


def _nobody(said: str) -> Refused:
    return Refused("X did not say whose account this is; connect it again.", code="nobody", said=said)
