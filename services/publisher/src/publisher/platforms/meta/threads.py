"""Threads: text, pictures, videos, carousels and threads of them, by containers at graph.threads.net."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Final

from kit.ledger.model import Look, NotAccepted, NotFound, Receipt, Refused
from postrules.drafts import Kind as PostKind
from publisher.accounts.model import AccountKind
from publisher.platforms.base import (
    Capabilities,
    Identity,
    MediaItem,
    Outgoing,
    Plain,
    Processing,
    Tokens,
)
from publisher.platforms.login import ByLogin
from publisher.platforms.meta.accounts import told_by
from publisher.platforms.meta.containers import ByContainers, Edges, Handle, Made
from publisher.platforms.meta.errors import THREADS, THREADS_PROCESSING
from publisher.platforms.meta.graph import GraphApi, Outcomes, age_of, one_line
from publisher.platforms.meta.nodes import delete
from publisher.platforms.meta.threads_oauth import ThreadsLogin

OUTCOMES: Final = Outcomes("Threads", THREADS)
CAPABILITIES: Final = Capabilities(
    accounts=frozenset({AccountKind.MEMBER}),
    kinds=frozenset({PostKind.POST, PostKind.CAROUSEL, PostKind.THREAD}),
    media=frozenset({"image", "video"}),
    comments=True,
    replies=True,
    deletes=True,
    quota=True,
    repeatable=True,
    found_by=("handle", "fingerprint"),
    processing_within=3600.0,
)
_SILENT: Final = "Threads did not say whose profile this is; connect it again."


def _failed(why: str, outcomes: Outcomes) -> Exception:
    """By the name that Threads gives the failure."""
    _ = outcomes
    plain = THREADS_PROCESSING.get(why, THREADS_PROCESSING["UNKNOWN"])
    return Refused(plain, code="processing-failed", said=one_line(why))


EDGES: Final = Edges(
    containers="threads",
    publish="threads_publish",
    published="threads",
    limit="threads_publishing_limit",
    status="status",
    why="error_message",
    text="text",
    failed=_failed,
)


@dataclass(frozen=True, slots=True)
class Threads(ByLogin, ByContainers, Plain):
    """The platform as the ledger's kinds use it. A first comment is a reply, and so is a part of a thread."""

    graph: GraphApi
    login: ThreadsLogin

    capabilities: Capabilities = CAPABILITIES
    outcomes: ClassVar[Outcomes] = OUTCOMES
    edges: ClassVar[Edges] = EDGES

    async def identities(self, kind: AccountKind, tokens: Tokens) -> list[Identity]:
        """The profile that the tokens open.

        Raises:
            Refused: it is not told.
        """
        _ = kind
        with told_by(_SILENT):
            body = await self.graph.get("/me", tokens.access_token, fields="id,username")
        if not body.get("id"):
            raise Refused(_SILENT, code="nobody")
        name = one_line(body.get("username") or "") or "Threads profile"
        return [Identity(AccountKind.MEMBER, str(body["id"]), name, grantor=str(body["id"]))]

    async def publish(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt | Processing:
        """Make the containers, which nobody sees.

        Raises:
            Refused, NotAccepted, Parked: by what Threads answered.
        """
        _ = again, now
        if len(outgoing.media) > 1:
            parts: list[Made] = [{**_file(item), "is_carousel_item": True} for item in outgoing.media]
        elif outgoing.media:
            parts = [{**_file(outgoing.media[0]), **_words(outgoing)}]
        else:
            link = {"link_attachment": outgoing.link} if outgoing.link else {}
            parts = [{"media_type": "TEXT", **link, **_words(outgoing)}]
        return await self._containers.begin(outgoing, parts)

    async def finalize(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt | Processing:
        """Make the carousel of its children, or publish the container."""
        _ = now
        return await self._containers.go_on(outgoing, _words(outgoing), again=again)

    async def look(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Ask the container, then the profile; parts of a thread stand among its replies."""
        if not outgoing.reply_to or not Handle.of(outgoing).container:
            return await self._containers.look(outgoing, called_at, now)
        return await self._containers.among("replies").look(outgoing, called_at, now)

    async def comment(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt:
        """Reply to the post: a container of text is ready at once, and then published."""
        begun = await self.publish(replace(outgoing, link="", media=()), again=again, now=now)
        if isinstance(begun, Receipt):
            return begun
        return await self._containers.publish(replace(outgoing, handle=begun.handle), again=again)

    async def look_for_comment(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Find it among the profile's replies."""
        try:
            return await self._containers.search(outgoing, "replies", age_of(outgoing, called_at, now))
        except NotAccepted as absent:
            if absent.code != "not-shown":
                raise
            return NotFound("no such reply")

    async def delete(self, external_id: str, access_token: str) -> Receipt:
        """Take a post down; one that is not there is done."""
        await delete(self.graph, OUTCOMES, f"/{external_id}", access_token)
        return Receipt(said="deleted")


def _file(item: MediaItem) -> Made:
    if item.url is None:
        raise Refused("The file cannot be fetched by Threads; publish it anew.", code="no-address")
    if item.kind == "image":
        return {"media_type": "IMAGE", "image_url": item.url, "alt_text": item.alt}
    return {"media_type": "VIDEO", "video_url": item.url, "alt_text": item.alt}


def _words(outgoing: Outgoing) -> dict[str, str | bool | int | None]:
    who = outgoing.options.get("reply_control")
    return {"text": outgoing.text, "reply_to_id": outgoing.reply_to, "reply_control": who}
